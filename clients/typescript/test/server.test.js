// The client against the built server: lines that break at random, a server that is stopped and started, tokens replaced.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import fc from "fast-check";
import WebSocket from "ws";
import { Proxy } from "../../../tests/clients/support/proxy.js";
import { serverForTests } from "../../../tests/clients/support/server.js";
import * as aifirst from "../dist/index.js";

const { coaching, createClient, done, emptyCoaching, emptyRun, run } = aifirst;

const server = serverForTests({ HTTP__SOCKET__RECHECK_SECONDS: 1 });
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

const token = () => server.authorization.replace("Bearer ", "");

function connect(t, options = {}) {
  const backoff = { baseMs: 20, capMs: 200 };
  const client = createClient({ url: proxy.url, token: token(), webSocketImpl: WebSocket, backoff, ...options });
  t.after(() => client.close());
  return client;
}

async function newWorkspace(client, t) {
  const input = { name: t.name.slice(0, 60) };
  return done((await client.request(aifirst.CreateWorkspaceDocument, { input })).createWorkspace).workspace.id;
}

/** A session in which something was asked, and the turn that answers it. */
async function ask(client, workspace) {
  const text = "Ana 🧗🏽 prefers short stand-ups before ten";
  done((await client.request(aifirst.RememberDocument, { input: { workspaceId: workspace, text, scope: "USER" } })).remember);
  const started = await client.request(aifirst.StartSessionDocument, { input: { workspaceId: workspace, topic: "My week" } });
  const { session } = done(started.startCoachingSession);
  const input = { sessionId: session.id, text: "When does Ana prefer stand-ups?" };
  const { turn } = done((await client.request(aifirst.SendMessageDocument, { input })).sendMessage);
  return { session: session.id, turn: turn.id };
}

const loaded = async (client, session) => (await client.request(aifirst.SessionDocument, { session })).node;
const words = (messages) => messages.map(({ id, role, text, status }) => ({ id, role, text, status }));
const isOver = (view, turn) => view.turns.some(({ id, status }) => id === turn && !["QUEUED", "RUNNING"].includes(status));

/** Follows until the turn is over; `each` sees every view. */
async function hear(client, { session, turn }, each = () => {}, options = {}) {
  let view = emptyCoaching;
  for await (const event of client.follow(aifirst.CoachingEventsDocument, { session }, options)) {
    view = coaching(view, event);
    await each(view, event);
    if (isOver(view, turn)) return view;
  }
  assert.fail("the stream ended before the turn did");
}

for (const streams of ["websocket", "events"]) {
  test(`${streams}: a line that breaks at random changes nothing of what is shown`, async (t) => {
    const client = connect(t, { streams });
    const workspace = await newWorkspace(client, t);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }), async (places) => {
        const asked = await ask(client, workspace);
        const rest = [...places];
        const { cuts } = proxy;
        const next = () => rest.length > 0 && proxy.cutAt('"cursor"', rest.shift());
        next();
        let seen = cuts;
        const view = await hear(client, asked, () => {
          if (proxy.cuts > seen) {
            seen = proxy.cuts;
            next();
          }
        });
        proxy.cutAt("nothing says this", 1);
        assert.ok(proxy.cuts > cuts, "the line broke");
        assert.deepEqual(words(view.messages), words((await loaded(client, asked.session)).messages.nodes));
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  test(`${streams}: a server that is stopped and started again loses nothing that was shown as kept`, async (t) => {
    const client = connect(t, { streams });
    const asked = await ask(client, await newWorkspace(client, t));
    let restarted;
    const states = [];
    const view = await hear(
      client,
      asked,
      (_view, event) => {
        if (event.__typename === "TurnDelta") restarted ??= server.restart().then(() => proxy.leadTo(server.url));
      },
      { onStatus: ({ state }) => states.push(state) },
    );
    await restarted;
    assert.deepEqual(words(view.messages), words((await loaded(client, asked.session)).messages.nodes));
    assert.ok(states.includes("waiting") && states.at(-1) === "live", states.join());
  });
}

test("a token that ends is replaced without a gap", async (t) => {
  const owner = connect(t);
  const workspace = await newWorkspace(owner, t);
  const create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } token userErrors { code field message } } }";
  const revoke = "mutation($key: ID!) { revokeApiKey(input: { apiKeyId: $key }) { apiKey { id } userErrors { code field message } } }";
  const makeKey = async () => {
    const input = { name: "for a while", workspaceId: workspace };
    return done((await owner.request(create, { input })).createApiKey);
  };
  const keys = [await makeKey(), await makeKey()];
  const refusals = [];
  const client = connect(t, {
    token: (refused) => {
      if (refused !== undefined) refusals.push(refused);
      return keys[refusals.length].token;
    },
  });
  const { cursor } = (await owner.request(aifirst.PlaceDocument, { workspace })).workspace;
  const remember = async (text) => {
    const input = { workspaceId: workspace, text, scope: "WORKSPACE" };
    done((await owner.request(aifirst.RememberDocument, { input })).remember);
  };
  const closedWith = [];
  let afterTheEnd;
  const onStatus = ({ error }) => {
    if (!error) return;
    closedWith.push(error.closeCode);
    afterTheEnd ??= remember("two");
  };
  await remember("one");
  const heard = [];
  for await (const change of client.follow(aifirst.ChangesDocument, { workspace, after: cursor }, { onStatus })) {
    // That the key ended is a change, too.
    if (change.node?.__typename !== "Memory") continue;
    heard.push(change.node.text);
    if (heard.length === 2) break;
    await owner.request(revoke, { key: keys[0].apiKey.id });
  }
  await afterTheEnd;
  assert.deepEqual(heard, ["one", "two"]);
  assert.deepEqual(closedWith, [4403]);
  assert.deepEqual(refusals, [keys[0].token]);
});

test("a run is shown as it is, step by step, with its approval; a line that breaks changes nothing", async (t) => {
  const client = connect(t);
  const workspace = await newWorkspace(client, t);
  const graph = {
    steps: [
      { key: "draft", action: { llm: { prompt: "Summarise: {{ input.topic }}" } } },
      { key: "ok", after: ["draft"], action: { approval: { title: "Send it?" } } },
      { key: "never", after: ["ok"], when: "steps.ok.output.approved == false", action: { transform: { expression: "1" } } },
    ],
  };
  const made = await client.request(aifirst.CreateWorkflowDocument, { input: { workspaceId: workspace, name: "Review", graph } });
  const { workflow } = done(made.createWorkflow);
  done((await client.request(aifirst.PublishWorkflowDocument, { workflow: workflow.id })).publishWorkflow);
  const input = aifirst.withKey({ workflowId: workflow.id, input: { topic: "stand-ups" } });
  const first = done((await client.request(aifirst.StartRunDocument, { input })).startRun).run;
  const again = done((await client.request(aifirst.StartRunDocument, { input })).startRun).run;
  assert.equal(again.id, first.id, "sent again, it is the same run");

  proxy.cutAt('"ApprovalRequested"', 1);
  let view = emptyRun;
  for await (const event of client.follow(aifirst.RunEventsDocument, { run: first.id })) {
    view = run(view, event);
    const [approval] = view.approvals;
    if (event.__typename === "ApprovalRequested") {
      done((await client.request(aifirst.DecideApprovalDocument, { input: { approvalId: approval.id, decision: "APPROVE" } })).decideApproval);
    }
  }
  assert.equal(proxy.cuts, 1);
  assert.ok(view.over);
  const kept = (await client.request(aifirst.RunDocument, { run: first.id })).node;
  assert.equal(view.run.status, "COMPLETED");
  assert.deepEqual(view.run.output, kept.output);
  const shown = ({ key, status, output }) => ({ key, status, output });
  assert.deepEqual(view.steps.map(shown), kept.steps.nodes.map(shown));
  assert.deepEqual(view.steps.map(({ status }) => status), ["COMPLETED", "COMPLETED", "SKIPPED"]);
  assert.deepEqual(view.approvals.map(({ status, title }) => ({ status, title })), [{ status: "APPROVED", title: "Send it?" }]);
  // Loaded at the end and followed from the beginning, it looks the same.
  let late = aifirst.runView(kept);
  for await (const event of client.follow(aifirst.RunEventsDocument, { run: first.id })) late = run(late, event);
  assert.deepEqual(late.steps.map(shown), view.steps.map(shown));
  assert.deepEqual(late.approvals, view.approvals);
});

test("the signal ends a stream in which nothing happens", async (t) => {
  const client = connect(t);
  const workspace = await newWorkspace(client, t);
  const { cursor } = (await client.request(aifirst.PlaceDocument, { workspace })).workspace;
  const stop = new AbortController();
  const remember = { workspaceId: workspace, text: "one", scope: "WORKSPACE" };
  done((await client.request(aifirst.RememberDocument, { input: remember })).remember);
  const heard = [];
  for await (const change of client.follow(aifirst.ChangesDocument, { workspace, after: cursor }, { signal: stop.signal })) {
    heard.push(change.kind);
    setImmediate(() => stop.abort());
  }
  assert.deepEqual(heard, ["CREATED"]);
});

test("a refusal of the server is an error with its code and the request's id", async (t) => {
  const client = connect(t, { token: "aif_wrong_wrong" });
  const refusal = (code) => (error) => {
    assert.equal(error.code, code);
    assert.match(error.requestId, /^[0-9a-f]{32}$/);
    return true;
  };
  await assert.rejects(client.request("{ viewer { id } }", {}), refusal("UNAUTHENTICATED"));
  await assert.rejects(connect(t).request(aifirst.PlaceDocument, {}), refusal("BAD_USER_INPUT"));
});

test("a list comes page by page", async (t) => {
  const client = connect(t);
  const workspace = await newWorkspace(client, t);
  for (const text of ["one", "two", "three"]) {
    done((await client.request(aifirst.RememberDocument, { input: { workspaceId: workspace, text } })).remember);
  }
  const page = async (after) => (await client.request(aifirst.MemoriesDocument, { workspace, first: 2, after })).workspace?.memories;
  const texts = [];
  for await (const nodes of aifirst.pages(page)) texts.push(nodes.map(({ text }) => text));
  assert.deepEqual(texts, [["three", "two"], ["one"]]);
});
