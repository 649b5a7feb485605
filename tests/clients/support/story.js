// What each client plays: it remembers, recalls, starts a session, streams a reply, loses its line in mid-reply, resumes,
// and approves a run's step.
import assert from "node:assert/strict";

export const operations = {
  viewer: /* GraphQL */ `
    query Viewer {
      viewer { id displayName }
    }
  `,
  createWorkspace: /* GraphQL */ `
    mutation CreateWorkspace($name: String!) {
      createWorkspace(input: { name: $name }) {
        workspace { id name slug }
        userErrors { code field message }
      }
    }
  `,
  remember: /* GraphQL */ `
    mutation Remember($workspace: ID!, $text: String!) {
      remember(input: { workspaceId: $workspace, text: $text, kind: PREFERENCE, scope: USER }) {
        memory { id text kind }
        userErrors { code field message }
      }
    }
  `,
  recall: /* GraphQL */ `
    query Recall($workspace: ID!, $question: String!) {
      workspace(id: $workspace) {
        id
        recall(input: { query: $question, limit: 5 }) {
          hits { score item { __typename ... on Memory { id text } } }
        }
      }
    }
  `,
  memories: /* GraphQL */ `
    query Memories($workspace: ID!, $first: Int!, $after: String) {
      workspace(id: $workspace) {
        id
        memories(first: $first, after: $after) {
          edges { cursor node { id text } }
          pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
        }
      }
    }
  `,
  startSession: /* GraphQL */ `
    mutation StartSession($workspace: ID!) {
      startCoachingSession(input: { workspaceId: $workspace, mode: CHAT, topic: "My week" }) {
        session { id status cursor }
        userErrors { code field message }
      }
    }
  `,
  send: /* GraphQL */ `
    mutation Send($session: ID!, $text: String!) {
      sendMessage(input: { sessionId: $session, text: $text }) {
        message { id role text status }
        turn { id status }
        userErrors { code field message }
      }
    }
  `,
  coachingEvents: /* GraphQL */ `
    subscription CoachingEvents($session: ID!, $after: Cursor) {
      coachingEvents(sessionId: $session, after: $after) {
        __typename
        cursor
        at
        ... on TurnSnapshot { turn { id } text offset }
        ... on TurnDelta { turn { id } text offset }
        ... on TurnCompleted { turn { id status reply { id role text status stopReason citations { quote } } } }
        ... on TurnInterrupted { turn { id status } }
        ... on TurnIncomplete { turn { id status } }
        ... on TurnFailed { turn { id status } }
        ... on SessionEnded { session { id status } }
      }
    }
  `,
  endSession: /* GraphQL */ `
    mutation EndSession($session: ID!) {
      endCoachingSession(input: { sessionId: $session }) {
        session { id status summary { text } }
        userErrors { code field message }
      }
    }
  `,
  session: /* GraphQL */ `
    query Session($session: ID!) {
      node(id: $session) {
        __typename
        id
        ... on CoachingSession { status messages(first: 10) { nodes { id role text status } } }
      }
    }
  `,
  createWorkflow: /* GraphQL */ `
    mutation CreateWorkflow($workspace: ID!) {
      createWorkflow(
        input: {
          workspaceId: $workspace
          name: "Weekly review"
          graph: {
            steps: [
              { key: "notes", action: { memoryRecall: { query: "{{ input.topic }}", limit: 5 } } }
              { key: "draft", after: ["notes"], action: { llm: { route: "default", prompt: "Summarise: {{ steps.notes.output }}" } } }
              { key: "ok", after: ["draft"], action: { approval: { title: "Send it?" } } }
            ]
          }
        }
      ) {
        workflow { id slug draft { valid problems { path message } } }
        userErrors { code field message }
      }
    }
  `,
  publish: /* GraphQL */ `
    mutation Publish($workflow: ID!) {
      publishWorkflow(input: { workflowId: $workflow }) {
        version { id number }
        userErrors { code field message }
      }
    }
  `,
  startRun: /* GraphQL */ `
    mutation StartRun($workflow: ID!) {
      startRun(input: { workflowId: $workflow, input: { topic: "stand-ups" } }) {
        run { id status }
        userErrors { code field message }
      }
    }
  `,
  runEvents: /* GraphQL */ `
    subscription RunEvents($run: ID!, $after: Cursor) {
      runEvents(runId: $run, after: $after) {
        __typename
        cursor
        at
        ... on StepCompleted { step { key status } }
        ... on ApprovalRequested { approval { id title status } }
        ... on RunCompleted { run { id status } }
      }
    }
  `,
  decide: /* GraphQL */ `
    mutation Decide($approval: ID!) {
      decideApproval(input: { approvalId: $approval, decision: APPROVE, comment: "fine" }) {
        approval { id status decidedBy { id displayName } }
        userErrors { code field message }
      }
    }
  `,
};

// The emoji is two UTF-16 code units: offsets that count anything else would show.
export const MEMORY = "Ana 🧗🏽 prefers short stand-ups before ten";
export const QUESTION = "When does Ana prefer stand-ups?";

/** A payload's result, where nothing was to be mended. */
export function done(payload) {
  assert.deepEqual(payload.userErrors, []);
  return payload;
}

/**
 * What a normalised cache has to hold after the story, each thing once, in its last state, whether that came with a query,
 * a mutation or an event. `read(type, id, field)` looks into it.
 */
export function assertCache(story, read) {
  const expected = [
    ["Viewer", story.viewer.id, "displayName", story.viewer.displayName],
    ["Workspace", story.workspace.id, "slug", story.workspace.slug],
    ["Memory", story.memory.id, "text", MEMORY],
    ["CoachingSession", story.session.id, "status", "ENDED"],
    ["Turn", story.turn.id, "status", "COMPLETED"],
    ["Message", story.message.id, "text", QUESTION],
    ["Message", story.reply.id, "text", story.reply.text],
    ["Message", story.reply.id, "status", "COMPLETED"],
    ["Run", story.run.id, "status", "COMPLETED"],
    ["Approval", story.approval.id, "status", "APPROVED"],
  ];
  const found = expected.map(([type, id, field]) => [type, id, field, read(type, id, field)]);
  assert.deepEqual(found, expected);
}

/**
 * What a page that is built anew gets without asking the server: each of the story's questions, answered by the cache as
 * things are at the end. `answer(operation, variables)` is the data, from the cache alone.
 */
export function assertAnswers(story, answer) {
  const { viewer } = answer("viewer", {});
  assert.equal(viewer.displayName, story.viewer.displayName);
  const { workspace } = answer("recall", { workspace: story.workspace.id, question: QUESTION });
  const hits = workspace.recall.hits.map(({ item }) => ({ id: item.id, text: item.text }));
  assert.deepEqual(hits, [{ id: story.memory.id, text: MEMORY }]);
  const { node } = answer("session", { session: story.session.id });
  assert.equal(node.status, "ENDED");
  const said = node.messages.nodes.map(({ id, role, text, status }) => ({ id, role, text, status }));
  assert.deepEqual(said, [
    { id: story.message.id, role: "USER", text: QUESTION, status: "COMPLETED" },
    { id: story.reply.id, role: "COACH", text: story.reply.text, status: "COMPLETED" },
  ]);
}

/** A reply as a client shows it while it grows, by the rules of `coachingEvents`. */
export class Reply {
  text = "";

  apply(event) {
    if (event.__typename === "TurnSnapshot") {
      this.text = event.text;
      assert.equal(event.offset, this.text.length, "a snapshot's offset is where its text ends");
    } else if (event.__typename === "TurnDelta") {
      assert.equal(event.offset, this.text.length, "a delta begins where the text before it ends");
      this.text += event.text;
    }
  }
}

/**
 * Plays the story. `client` has
 * - `query(operation, variables)` and `mutate(operation, variables)`: the data,
 * - `follow(operation, variables)`: the events of a subscription, an async iterable that goes on after a broken line.
 * `proxy` is the line between client and server. The result is what there is to find in the client's cache.
 */
export async function playStory(client, proxy, name) {
  const { viewer } = await client.query("viewer", {});
  const { workspace } = done((await client.mutate("createWorkspace", { name })).createWorkspace);

  const { memory } = done((await client.mutate("remember", { workspace: workspace.id, text: MEMORY })).remember);
  const recalled = await client.query("recall", { workspace: workspace.id, question: QUESTION });
  assert.equal(recalled.workspace.recall.hits[0].item.id, memory.id);

  const { session } = done((await client.mutate("startSession", { workspace: workspace.id })).startCoachingSession);
  const { message, turn } = done((await client.mutate("send", { session: session.id, text: QUESTION })).sendMessage);
  const { reply, last } = await hearReply(client, proxy, session.id, turn.id);
  assert.ok(reply.text.includes("🧗🏽"), reply.text);
  const summary = await endSession(client, session.id, last);

  const said = await client.query("session", { session: session.id });
  assert.deepEqual(
    said.node.messages.nodes.map(({ id, text }) => ({ id, text })),
    [message, reply].map(({ id, text }) => ({ id, text })),
  );

  const { run, approval } = await approveRun(client, workspace.id);
  return { viewer, workspace, memory, session: { ...session, status: "ENDED", summary }, message, reply, turn, run, approval };
}

/** The line breaks when some of the reply has come. What was heard is all the same the reply, to the letter. */
async function hearReply(client, proxy, session, turn) {
  const wholeBeforeTheCut = 3;
  const { cuts, connections } = proxy;
  proxy.cutAt('"TurnDelta"', wholeBeforeTheCut + 1);
  const shown = new Reply();
  const cursors = [];
  let deltas = 0;
  for await (const event of client.follow("coachingEvents", { session })) {
    cursors.push(event.cursor);
    shown.apply(event);
    deltas += event.__typename === "TurnDelta";
    if (event.__typename === "TurnCompleted") {
      assert.equal(event.turn.id, turn);
      assert.equal(event.turn.status, "COMPLETED");
      assert.equal(shown.text, event.turn.reply.text);
      assert.equal(new Set(cursors).size, cursors.length, "an event came twice");
      assert.equal(proxy.cuts, cuts + 1, "the line broke");
      assert.ok(proxy.connections > connections, "the client connected again");
      assert.ok(deltas > wholeBeforeTheCut, "the reply went on after the cut");
      return { reply: event.turn.reply, last: event.cursor };
    }
  }
  assert.fail("the stream ended before the reply did");
}

/** The server is stopped in mid-reply and comes again under another address. What the client shows is what is kept. */
export async function playRestart(client, proxy, server, name) {
  const { workspace } = done((await client.mutate("createWorkspace", { name })).createWorkspace);
  const { session } = done((await client.mutate("startSession", { workspace: workspace.id })).startCoachingSession);
  const { turn } = done((await client.mutate("send", { session: session.id, text: QUESTION })).sendMessage);
  const shown = new Reply();
  const cursors = [];
  let restarted;
  for await (const event of client.follow("coachingEvents", { session: session.id })) {
    cursors.push(event.cursor);
    shown.apply(event);
    if (event.__typename === "TurnDelta") restarted ??= server.restart().then(() => proxy.leadTo(server.url));
    if (["TurnCompleted", "TurnInterrupted", "TurnIncomplete", "TurnFailed"].includes(event.__typename)) {
      assert.equal(event.turn.id, turn.id);
      break;
    }
  }
  await restarted;
  assert.equal(new Set(cursors).size, cursors.length, "an event came twice");
  const { node } = await client.query("session", { session: session.id });
  assert.equal(shown.text, node.messages.nodes[1].text);
}

/** Follows from the cursor of the last event to the session's end. */
async function endSession(client, session, after) {
  const ended = done((await client.mutate("endSession", { session })).endCoachingSession);
  const rest = [];
  for await (const event of client.follow("coachingEvents", { session, after })) rest.push(event.__typename);
  assert.deepEqual(rest, ["SessionEnded"]);
  return ended.session.summary;
}

async function approveRun(client, workspace) {
  const { workflow } = done((await client.mutate("createWorkflow", { workspace })).createWorkflow);
  assert.deepEqual(workflow.draft.problems, []);
  done((await client.mutate("publish", { workflow: workflow.id })).publishWorkflow);
  const { run } = done((await client.mutate("startRun", { workflow: workflow.id })).startRun);
  const steps = [];
  let approval;
  let completed;
  for await (const event of client.follow("runEvents", { run: run.id })) {
    if (event.__typename === "StepCompleted") steps.push(event.step.key);
    if (event.__typename === "ApprovalRequested") {
      ({ approval } = done((await client.mutate("decide", { approval: event.approval.id })).decideApproval));
    }
    if (event.__typename === "RunCompleted") completed = event.run;
  }
  assert.deepEqual(steps, ["notes", "draft", "ok"]);
  assert.equal(approval.status, "APPROVED");
  assert.deepEqual({ id: completed.id, status: completed.status }, { id: run.id, status: "COMPLETED" });
  return { run: completed, approval };
}
