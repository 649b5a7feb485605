// Streams that are taken up again, against a server that is only played.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Credentials } from "../dist/credentials.js";
import { AifirstError } from "../dist/index.js";
import { verdict } from "../dist/policy.js";
import { follow } from "../dist/stream.js";
import { cuts, transportOver } from "./support/server-model.js";

const backoff = { baseMs: 0, capMs: 0, random: () => 0 };
const broken = () => new AifirstError("NETWORK", "cut");
const closed = (closeCode) => new AifirstError("NETWORK", "closed", { closeCode });
const log = (count) => Array.from({ length: count }, (_, number) => ({ cursor: `c${number}`, number }));
const request = { query: "subscription", variables: {} };

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A transport that answers its connections one after the other: each a list of answers, an error last where it breaks. */
function scripted(...connections) {
  const asked = [];
  return {
    asked,
    async *stream({ variables }, token) {
      asked.push({ after: variables.after, token });
      for (const step of connections.shift() ?? []) {
        if (step instanceof Error) throw step;
        yield step.errors || step.data !== undefined ? step : { data: { events: step } };
      }
    },
    close() {},
  };
}

test("wherever the line is cut, each event comes once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(20), cuts, async (count, script) => {
      const transport = transportOver(log(count), script, { failure: broken });
      const events = await collect(follow(transport, new Credentials("t"), backoff, request));
      assert.deepEqual(events, log(count));
    }),
  );
});

test("it begins after the cursor that it is given, and goes on after the last event", async () => {
  const transport = scripted([...log(4).slice(2, 3), broken()], log(4).slice(3));
  const events = await collect(follow(transport, new Credentials("t"), backoff, { ...request, variables: { after: "c1" } }));
  assert.deepEqual(events, log(4).slice(2));
  assert.deepEqual(transport.asked.map(({ after }) => after), ["c1", "c2"]);
});

test("after each failure it waits longer, anything up to the most; what comes resets it; the server's word counts more", async () => {
  const busy = new AifirstError("RATE_LIMITED", "wait", { retryAfterMs: 7 });
  const transport = scripted([broken()], [broken()], [closed(1012)], [...log(1), broken()], [busy], []);
  const waits = [];
  const onStatus = (status) => status.state === "waiting" && waits.push(status.delayMs);
  await collect(follow(transport, new Credentials("t"), { baseMs: 1, capMs: 3, random: () => 1 }, request, { onStatus }));
  assert.deepEqual(waits, [1, 2, 3, 1, 7]);
});

test("a line that held for long was good, though nothing came over it: the next wait is short again", async () => {
  let connections = 0;
  const transport = {
    async *stream(_request, _token, _signal, opened) {
      connections += 1;
      if (connections === 4) {
        opened();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      if (connections <= 4) throw broken();
    },
  };
  const waits = [];
  const onStatus = (status) => status.state === "waiting" && waits.push(status.delayMs);
  await collect(follow(transport, new Credentials("t"), { baseMs: 1, capMs: 3, random: () => 1 }, request, { onStatus }));
  assert.deepEqual(waits, [1, 2, 3, 1]);
});

test("a refused token is replaced at once; without another one, it ends", async () => {
  const refusals = [];
  const credentials = new Credentials((refused) => {
    if (refused !== undefined) refusals.push(refused);
    return refusals.length === 0 ? "one" : "two";
  });
  const transport = scripted([...log(1), closed(4403)], [...log(2).slice(1), closed(4403)]);
  const stream = follow(transport, credentials, backoff, request);
  assert.equal((await stream.next()).value.cursor, "c0");
  assert.equal((await stream.next()).value.cursor, "c1");
  await assert.rejects(stream.next(), { name: "AifirstError", closeCode: 4403 });
  assert.deepEqual(transport.asked, [{ after: undefined, token: "one" }, { after: "c0", token: "two" }]);
  assert.deepEqual(refusals, ["one", "two"]);
});

test("a lost right is looked at again once: what is left may be enough", async () => {
  const forbidden = { data: null, errors: [{ message: "no", extensions: { code: "FORBIDDEN", requestId: "r1" } }] };
  const goesOn = scripted([...log(1), forbidden], log(2).slice(1));
  assert.deepEqual(await collect(follow(goesOn, new Credentials("t"), backoff, request)), log(2));
  const ends = scripted([...log(1), forbidden], [forbidden]);
  await assert.rejects(collect(follow(ends, new Credentials("t"), backoff, request)), { code: "FORBIDDEN", requestId: "r1" });
  assert.equal(ends.asked.length, 2);
});

test("where too much was missed, that is the last event", async () => {
  const missed = { errors: [{ message: "old", extensions: { code: "RESYNC_REQUIRED" } }] };
  const transport = scripted([...log(1), broken()], [missed]);
  const events = await collect(follow(transport, new Credentials("t"), backoff, request));
  assert.deepEqual(events, [...log(1), { __typename: "ResyncRequired" }]);
});

test("what would end the same way again is thrown", async () => {
  for (const closeCode of [1002, 1009, 4400, 4401, 4406, 4409, 4429]) {
    const transport = scripted([closed(closeCode)], log(1));
    await assert.rejects(collect(follow(transport, new Credentials("t"), backoff, request)), { closeCode });
  }
  const wrong = { errors: [{ message: "no such field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] };
  await assert.rejects(collect(follow(scripted([wrong]), new Credentials("t"), backoff, request)), { code: "GRAPHQL_VALIDATION_FAILED" });
  // A code of a newer server is one that nothing is known of.
  const unknown = { errors: [{ message: "?", extensions: { code: "NEWER" } }] };
  await assert.rejects(collect(follow(scripted([unknown]), new Credentials("t"), backoff, request)), { code: "NEWER" });
});

test("what the server closes for now is taken up again", () => {
  for (const closeCode of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4499]) assert.equal(verdict(closed(closeCode)), "again", closeCode);
  assert.equal(verdict(closed(4403)), "token");
});

test("the signal ends it, quietly: before it begins, while it waits, and while nothing comes", async () => {
  const early = scripted(log(1));
  assert.deepEqual(await collect(follow(early, new Credentials("t"), backoff, request, { signal: AbortSignal.abort() })), []);
  assert.deepEqual(early.asked, []);

  const waiting = new AbortController();
  const onStatus = ({ state }) => state === "waiting" && waiting.abort();
  const slow = { baseMs: 1e6, capMs: 1e6, random: () => 1 };
  assert.deepEqual(await collect(follow(scripted([broken()]), new Credentials("t"), slow, request, { signal: waiting.signal, onStatus })), []);

  const silent = new AbortController();
  const transport = {
    async *stream(_request, _token, signal) {
      yield { data: { events: log(1)[0] } };
      silent.abort();
      await new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", resolve)));
    },
  };
  assert.deepEqual(await collect(follow(transport, new Credentials("t"), backoff, request, { signal: silent.signal })), log(1));
});

test("a reader that leaves ends the transport's stream", async () => {
  let left = false;
  const transport = {
    async *stream() {
      try {
        for (const event of log(3)) yield { data: { events: event } };
      } finally {
        left = true;
      }
    },
  };
  for await (const event of follow(transport, new Credentials("t"), backoff, request)) {
    assert.equal(event.cursor, "c0");
    break;
  }
  assert.ok(left);
});
