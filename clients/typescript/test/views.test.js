// What a page shows is the same, however its events came.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Credentials } from "../dist/credentials.js";
import { AifirstError, coaching, coachingView, emptyCoaching, emptyRun, run, runView } from "../dist/index.js";
import { follow } from "../dist/stream.js";
import { cuts, transportOver } from "./support/server-model.js";

const backoff = { baseMs: 0, capMs: 0, random: () => 0 };
const failure = () => new AifirstError("NETWORK", "cut");

const message = (id, role, text, status) => ({ __typename: "Message", id, role, text, status, stopReason: null, citations: [], createdAt: "" });

/** Pieces of replies: emojis are two UTF-16 code units. */
const pieces = fc.array(fc.string({ unit: fc.constantFrom("a", " ", "é", "🧗🏽"), minLength: 1, maxLength: 4 }), { maxLength: 6 });
const ending = fc.constantFrom("TurnCompleted", "TurnInterrupted", "TurnIncomplete", "TurnFailed");

/** The log of a session: turns one after the other, the words of each reply, and something that this version does not know. */
const sessions = fc.array(fc.record({ words: pieces, end: ending, unknown: fc.boolean() }), { maxLength: 4 }).map((turns) => {
  const events = [{ __typename: "SessionStarted", session: { __typename: "CoachingSession", id: "cs", status: "ACTIVE" } }];
  turns.forEach(({ words, end, unknown }, number) => {
    const text = words.join("");
    const said = message(`m${number}`, "USER", "?", "COMPLETED");
    const turn = (status, reply) => ({ __typename: "Turn", id: `t${number}`, status, startedAt: null, finishedAt: null, message: said, reply });
    const reply = (status, shown) => message(`r${number}`, "COACH", shown, status);
    events.push({ __typename: "TurnQueued", turn: turn("QUEUED", null) });
    events.push({ __typename: "TurnStarted", turn: turn("RUNNING", reply("STREAMING", "")) });
    if (unknown) events.push({ __typename: "CoachSighed", depth: 3 });
    let offset = 0;
    for (const piece of words) {
      events.push({ __typename: "TurnDelta", turn: { id: `t${number}` }, text: piece, offset });
      offset += piece.length;
    }
    const status = end.replace("Turn", "").toUpperCase();
    events.push({ __typename: end, reason: "TIMEOUT", turn: turn(status, reply(status, text)) });
  });
  return events.map((event, number) => ({ ...event, cursor: `c${number}`, at: "" }));
});

/** What a server tells whoever comes back in the midst of a reply may be a snapshot of what was said until then. */
function withSnapshot(events, place) {
  const rest = events.slice(place);
  if (rest[0]?.__typename !== "TurnDelta") return rest;
  const { turn, offset, cursor } = rest[0];
  const text = events
    .slice(0, place)
    .filter((event) => event.__typename === "TurnDelta" && event.turn.id === turn.id)
    .map((event) => event.text)
    .join("");
  assert.equal(text.length, offset);
  return [{ __typename: "TurnSnapshot", cursor: `${cursor}-before`, at: "", turn: { ...turn, reply: { id: turn.id.replace("t", "r") } }, text, offset }, ...rest];
}

async function viewOf(events, reduce, begin) {
  let view = begin;
  for await (const event of events) view = reduce(view, event);
  return view;
}

const stream = (log, script, options) =>
  follow(transportOver(log, script, { failure, ...options }), new Credentials("t"), backoff, { query: "", variables: {} });

test("a session looks the same, wherever the line is cut", async () => {
  await fc.assert(
    fc.asyncProperty(sessions, cuts, fc.boolean(), async (log, script, snapshots) => {
      // The model's log knows no snapshot: cut right after one, it begins again, which must look the same, too.
      const resumed = snapshots ? withSnapshot : undefined;
      const whole = log.reduce(coaching, emptyCoaching);
      assert.deepEqual(await viewOf(stream(log, script, { resumed }), coaching, emptyCoaching), whole);
    }),
  );
});

test("a session looks the same where events come again from an earlier place", () => {
  fc.assert(
    fc.property(sessions, fc.nat(), fc.nat(), (log, until, back) => {
      const heard = log.slice(0, until % (log.length + 1));
      const again = log.slice(Math.max(0, heard.length - back));
      let view = heard.reduce(coaching, emptyCoaching);
      for (const event of again) {
        const before = view;
        view = coaching(view, event);
        if (heard.includes(event)) assert.deepEqual(view, { ...before, cursor: event.cursor }, "what is shown does not go back");
      }
      assert.deepEqual(view, log.reduce(coaching, emptyCoaching));
    }),
  );
});

test("a growing reply is at each moment what the coach has said, and at last what is stored", () => {
  fc.assert(
    fc.property(sessions, (log) => {
      const said = new Map();
      let view = emptyCoaching;
      for (const event of log) {
        view = coaching(view, event);
        const shown = (turn) => view.messages.find((one) => one.turn === turn && one.role === "COACH")?.text;
        if (event.__typename === "TurnDelta") {
          said.set(event.turn.id, (said.get(event.turn.id) ?? "") + event.text);
          assert.equal(shown(event.turn.id), said.get(event.turn.id));
        } else if (event.turn?.reply && event.turn.status !== "RUNNING") {
          assert.equal(shown(event.turn.id), event.turn.reply.text);
        }
        assert.equal(view.cursor, event.cursor);
      }
      const turns = log.filter(({ __typename }) => __typename === "TurnQueued").length;
      assert.equal(view.messages.length, 2 * turns);
    }),
  );
});

test("a session that was loaded in mid-reply goes on in its place", () => {
  const loaded = {
    __typename: "CoachingSession", id: "cs", status: "ACTIVE", cursor: "c2",
    messages: { nodes: [message("m0", "USER", "?", "COMPLETED"), message("r0", "COACH", "Ow", "STREAMING")] },
  };
  const turn = { id: "t0" };
  const events = [
    { __typename: "TurnSnapshot", cursor: "c3", turn: { ...turn, reply: { id: "r0" } }, text: "Owls 🦉", offset: 7 },
    { __typename: "TurnDelta", cursor: "c4", turn, text: " sleep", offset: 7 },
  ];
  const view = events.reduce(coaching, coachingView(loaded));
  assert.deepEqual(view.messages.map(({ id, text, status }) => ({ id, text, status })), [
    { id: "m0", text: "?", status: "COMPLETED" },
    { id: "r0", text: "Owls 🦉 sleep", status: "STREAMING" },
  ]);
  assert.deepEqual(view.turns, [{ id: "t0", status: "RUNNING", reason: undefined }]);
  // What was lost in a crash is put right by a snapshot that is shorter.
  const less = coaching(view, { __typename: "TurnSnapshot", cursor: "c5", turn: { ...turn, reply: { id: "r0" } }, text: "Owls", offset: 4 });
  assert.equal(less.messages[1].text, "Owls");
  assert.equal(coaching(less, { __typename: "TurnDelta", cursor: "c6", turn, text: "!", offset: 9 }).messages[1].text, "Owls", "no gap is shown as if it were none");
});

test("values and events of a newer server do no harm", () => {
  const strange = { __typename: "Turn", id: "t0", status: "DREAMING", message: message("m0", "USER", "?", "SUNG"), reply: null };
  const view = [{ __typename: "TurnStarted", cursor: "c0", turn: strange }, { __typename: "Comet", cursor: "c1" }].reduce(coaching, emptyCoaching);
  assert.deepEqual({ turns: view.turns, status: view.messages[0].status, cursor: view.cursor }, {
    turns: [{ id: "t0", status: "DREAMING", reason: undefined }], status: "SUNG", cursor: "c1",
  });
  const step = { key: "a", attempt: 1, status: "LEVITATING", output: null };
  const shown = [{ __typename: "StepStarted", cursor: "c0", step }, { __typename: "Comet", cursor: "c1" }].reduce(run, emptyRun);
  assert.deepEqual({ status: shown.steps[0].status, cursor: shown.cursor, over: shown.over }, { status: "LEVITATING", cursor: "c1", over: false });
});

test("too much missed makes a view stale, and leaves what it shows", () => {
  const before = { ...emptyCoaching, cursor: "c1", messages: [message("m0", "USER", "?", "COMPLETED")] };
  assert.deepEqual(coaching(before, { __typename: "ResyncRequired" }), { ...before, stale: true });
  assert.deepEqual(run({ ...emptyRun, cursor: "c1" }, { __typename: "ResyncRequired" }), { ...emptyRun, cursor: "c1", stale: true });
});

/** The log of a run: steps with retries, waits, an approval; and its end. */
const runs = fc
  .record({
    steps: fc.array(fc.record({ retries: fc.nat(2), waits: fc.boolean(), skipped: fc.boolean(), asks: fc.boolean() }), { maxLength: 4 }),
    end: fc.constantFrom("RunCompleted", "RunFailed", "RunCancelled"),
  })
  .map(({ steps, end }) => {
    const record = (status) => ({ __typename: "Run", id: "run", status });
    const events = [{ __typename: "RunCreated", run: record("QUEUED") }];
    steps.forEach(({ retries, waits, skipped, asks }, number) => {
      const key = `s${number}`;
      const step = (status, attempt, output = null) => ({ key, attempt, status, output });
      if (skipped) {
        events.push({ __typename: "StepSkipped", step: step("SKIPPED", 0) });
        return;
      }
      for (let attempt = 1; attempt <= retries + 1; attempt += 1) {
        events.push({ __typename: "StepStarted", step: step("RUNNING", attempt) });
        if (waits) events.push({ __typename: "StepWaiting", step: step("WAITING", attempt), until: "later" });
        if (attempt <= retries) {
          events.push({ __typename: "StepRetryScheduled", step: step("RETRY_SCHEDULED", attempt), nextAttemptAt: "later", error: { code: "TIMEOUT", message: "" } });
        }
      }
      if (asks) {
        const approval = (status) => ({ __typename: "Approval", id: `a${number}`, title: "?", status });
        events.push({ __typename: "ApprovalRequested", approval: approval("PENDING") });
        events.push({ __typename: "ApprovalDecided", approved: true, approval: approval("APPROVED") });
      }
      events.push({ __typename: "StepCompleted", step: step("COMPLETED", retries + 1, { number }) });
    });
    events.push({ __typename: end, run: record(end.replace("Run", "").toUpperCase()) });
    return events.map((event, number) => ({ ...event, cursor: `c${number}`, at: "" }));
  });

test("a run looks the same, wherever the line is cut, and where its events come again from the beginning", async () => {
  await fc.assert(
    fc.asyncProperty(runs, cuts, fc.nat(), async (log, script, at) => {
      const whole = log.reduce(run, emptyRun);
      assert.ok(whole.over);
      assert.deepEqual(await viewOf(stream(log, script), run, emptyRun), whole);
      const heard = log.slice(0, at % (log.length + 1)).reduce(run, emptyRun);
      assert.deepEqual(log.reduce(run, heard), whole);
      for (const event of log) assert.deepEqual(run(whole, event), { ...whole, cursor: event.cursor }, "what is over stays so");
    }),
  );
});

test("a run that was loaded keeps the order of its graph, and its events from the beginning bring the rest", () => {
  const loaded = {
    __typename: "Run", id: "run", status: "WAITING", cursor: "c9",
    steps: { nodes: [["b", "PENDING"], ["a", "COMPLETED"]].map(([key, status]) => ({ __typename: "StepRun", id: key, key, status, output: status === "COMPLETED" ? 7 : null })) },
  };
  const events = [
    { __typename: "RunCreated", cursor: "c0", run: { __typename: "Run", id: "run", status: "QUEUED" } },
    { __typename: "StepStarted", cursor: "c1", step: { key: "a", attempt: 1, status: "RUNNING", output: null } },
    { __typename: "StepCompleted", cursor: "c2", step: { key: "a", attempt: 1, status: "COMPLETED", output: 7 } },
    { __typename: "ApprovalRequested", cursor: "c3", approval: { id: "a1", status: "PENDING", title: "?" } },
  ];
  const view = events.reduce(run, runView(loaded));
  assert.deepEqual(view.steps.map(({ key, status, output }) => ({ key, status, output })), [
    { key: "b", status: "PENDING", output: null },
    { key: "a", status: "COMPLETED", output: 7 },
  ]);
  assert.equal(view.run.status, "WAITING");
  assert.equal(view.approvals.length, 1);
  const cancelled = run(view, { __typename: "RunCancelled", cursor: "c4", run: { id: "run", status: "CANCELLED" } });
  assert.deepEqual(cancelled.steps.map(({ status }) => status), ["CANCELLED", "COMPLETED"]);
  assert.equal(cancelled.approvals[0].status, "CANCELLED");
});
