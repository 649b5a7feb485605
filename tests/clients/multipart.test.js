// Apollo's multipart subscription protocol, version 1.0, on the wire.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "./support/http.js";
import { serverForTests } from "./support/server.js";
import { done, operations } from "./support/story.js";

const server = serverForTests();

async function startSession(name) {
  const { workspace } = done((await ask(server, "createWorkspace", { name })).createWorkspace);
  return done((await ask(server, "startSession", { workspace: workspace.id })).startCoachingSession).session;
}

async function subscribe(query, variables, accept = "multipart/mixed;subscriptionSpec=1.0, application/json") {
  const headers = { authorization: server.authorization, "content-type": "application/json", accept };
  return await fetch(server.url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
}

test("multipart: parts are enveloped, and the last boundary closes the stream", async () => {
  const session = await startSession("Multipart");
  await ask(server, "endSession", { session: session.id });
  const response = await subscribe(operations.coachingEvents, { session: session.id });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0');
  const [preamble, ...parts] = (await response.text()).split("\r\n--graphql");
  assert.equal(preamble, "");
  assert.equal(parts.pop(), "--\r\n");
  const payloads = parts.map((part) => {
    const [head, body] = part.split("\r\n\r\n");
    assert.equal(head, "\r\ncontent-type: application/json");
    const { payload, ...others } = JSON.parse(body);
    assert.deepEqual(others, {});
    return payload;
  });
  const events = payloads.map(({ data }) => data.coachingEvents.__typename);
  assert.deepEqual(events, ["SessionStarted", "SessionEnded"]);
});

test("multipart: an event is whole when it happens, not when the next one does", async () => {
  const session = await startSession("In time");
  const response = await subscribe(operations.coachingEvents, { session: session.id });
  // Nothing else happens in this session: what comes is what comes at once.
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    if (/"SessionStarted".*\r\n--graphql$/.test(text)) break;
  }
  assert.match(text, /^\r\n--graphql\r\n/);
});

test("multipart: what cannot be executed is refused with one JSON answer", async () => {
  const response = await subscribe("subscription { nothing }", {}, "multipart/mixed;subscriptionSpec=1.0");
  assert.equal(response.status, 400);
  const { errors } = await response.json();
  assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});
