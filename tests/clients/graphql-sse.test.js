// The reference client of the protocol graphql-sse, with a connection for each operation; and a browser's EventSource.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { EventSource } from "eventsource";
import { createClient } from "graphql-sse";
import { ask } from "./support/http.js";
import { Proxy } from "./support/proxy.js";
import { serverForTests } from "./support/server.js";
import { done, operations, playRestart, playStory } from "./support/story.js";

const server = serverForTests();
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

function connect(t, options = {}) {
  const client = createClient({
    url: proxy.url,
    headers: () => ({ authorization: server.authorization }),
    retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
    ...options,
  });
  t.after(() => client.dispose());
  return client;
}

/** Queries and mutations are streams of one answer. */
async function once(client, operation, variables) {
  const answers = [];
  for await (const { data, errors } of client.iterate({ query: operations[operation], variables })) {
    assert.equal(errors, undefined, JSON.stringify(errors));
    answers.push(data);
  }
  assert.equal(answers.length, 1);
  return answers[0];
}

/** The library sends the same request again after a break: so the request keeps the cursor. */
function follow(client, operation, variables) {
  const request = { query: operations[operation], variables: { ...variables } };
  return new ReadableStream({
    start(controller) {
      this.stop = client.subscribe(request, {
        next({ data, errors }) {
          assert.equal(errors, undefined, JSON.stringify(errors));
          const [event] = Object.values(data);
          request.variables.after = event.cursor;
          controller.enqueue(event);
        },
        error: (error) => controller.error(error),
        complete: () => controller.close(),
      });
    },
    cancel() {
      this.stop();
    },
  });
}

test("SSE: the story over Server-Sent Events: a broken line loses nothing and doubles nothing", async (t) => {
  const client = connect(t);
  await playStory(
    {
      query: (operation, variables) => once(client, operation, variables),
      mutate: (operation, variables) => once(client, operation, variables),
      follow: (operation, variables) => follow(client, operation, variables),
    },
    proxy,
    "graphql-sse",
  );
  assert.equal(proxy.cuts, 1);
});

test("SSE: a server that stops cuts its streams, and clients come back to the one after it", async (t) => {
  const client = connect(t, { retryAttempts: Infinity });
  const direct = () => ({ url: proxy.url, authorization: server.authorization });
  await playRestart(
    {
      query: (operation, variables) => ask(direct(), operation, variables),
      mutate: (operation, variables) => ask(direct(), operation, variables),
      follow: (operation, variables) => follow(client, operation, variables),
    },
    proxy,
    server,
    "graphql-sse restart",
  );
});

/** An EventSource for a subscription: it connects again by itself, and tells only the id of the last event. */
function eventSource(t, operation, variables) {
  const url = new URL(proxy.url);
  url.searchParams.set("query", operations[operation]);
  url.searchParams.set("variables", JSON.stringify(variables));
  const resumedAfter = [];
  const source = new EventSource(url, {
    fetch(input, init) {
      resumedAfter.push(init.headers["Last-Event-ID"]);
      return fetch(input, { ...init, headers: { ...init.headers, authorization: server.authorization } });
    },
  });
  t.after(() => source.close());
  const events = new ReadableStream({
    start(controller) {
      source.addEventListener("next", ({ data, lastEventId }) => {
        const answer = JSON.parse(data);
        assert.equal(answer.errors, undefined, data);
        const [event] = Object.values(answer.data);
        assert.equal(lastEventId, event.cursor, "an event's id is its cursor");
        controller.enqueue(event);
      });
      source.addEventListener("complete", () => {
        source.close();
        controller.close();
      });
    },
    cancel: () => source.close(),
  });
  return { events, resumedAfter };
}

test("SSE: the story by an EventSource: Last-Event-ID resumes where the line broke", async (t) => {
  const direct = { url: proxy.url, authorization: server.authorization };
  const connections = [];
  await playStory(
    {
      query: (operation, variables) => ask(direct, operation, variables),
      mutate: (operation, variables) => ask(direct, operation, variables),
      follow(operation, variables) {
        const { events, resumedAfter } = eventSource(t, operation, variables);
        connections.push(resumedAfter);
        return events;
      },
    },
    proxy,
    "EventSource",
  );
  const [reply, ...others] = connections;
  assert.equal(reply.length, 2, "one connection, and one after the cut");
  assert.equal(reply[0], undefined);
  assert.ok(reply[1]);
  for (const calls of others) assert.deepEqual(calls, [undefined]);
});

test("Last-Event-ID counts more than the argument `after`", async () => {
  const direct = { url: proxy.url, authorization: server.authorization };
  const { workspace } = done((await ask(direct, "createWorkspace", { name: "Last-Event-ID" })).createWorkspace);
  const { session } = done((await ask(direct, "startSession", { workspace: workspace.id })).startCoachingSession);
  done((await ask(direct, "endSession", { session: session.id })).endCoachingSession);
  const read = async (query, after) => {
    const headers = { authorization: server.authorization, "content-type": "application/json", accept: "text/event-stream" };
    const response = await fetch(server.url, {
      method: "POST",
      headers: after === undefined ? headers : { ...headers, "last-event-id": after },
      body: JSON.stringify({ query, variables: { session: session.id } }),
    });
    assert.equal(response.status, 200);
    const datas = [...(await response.text()).matchAll(/^event: next\n(?:id: .*\n)?data: (.*)$/gm)];
    return datas.map(([, data]) => JSON.parse(data));
  };
  const events = (answers) => answers.map(({ data }) => Object.values(data)[0].__typename);
  const plain = "subscription($session: ID!) { coachingEvents(sessionId: $session) { __typename cursor } }";
  const all = await read(plain);
  assert.deepEqual(events(all), ["SessionStarted", "SessionEnded"]);
  const [first, last] = all.map(({ data }) => data.coachingEvents.cursor);
  for (const query of [
    plain,
    `subscription($session: ID!) { mine: coachingEvents(sessionId: $session, after: "${last}") { __typename } }`,
    "subscription($session: ID!) { ...E } fragment E on Subscription { ... on Subscription { coachingEvents(sessionId: $session) { __typename } } }",
  ]) {
    assert.deepEqual(events(await read(query, first)), ["SessionEnded"], query);
  }
  const [refused, ...rest] = await read(plain, "nonsense");
  assert.equal(refused.errors[0].extensions.code, "INVALID_CURSOR");
  assert.deepEqual(rest, []);
});

test("SSE: what only looks like an event's cursor does not become its id", async () => {
  const direct = { url: proxy.url, authorization: server.authorization };
  const { workspace } = done((await ask(direct, "createWorkspace", { name: "Called cursor" })).createWorkspace);
  const twoLines = { workspace: workspace.id, text: "one\ntwo" };
  const { memory } = done((await ask(direct, "remember", twoLines)).remember);
  const query = "query($id: ID!) { node(id: $id) { ... on Memory { cursor: text } } }";
  const called = await fetch(server.url, {
    method: "POST",
    headers: { authorization: server.authorization, "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query, variables: { id: memory.id } }),
  });
  const text = await called.text();
  assert.match(text, /"cursor":"one\\ntwo"/);
  assert.doesNotMatch(text, /^id:/m);
});

test("SSE: a document that cannot be executed is refused before a stream begins", async (t) => {
  const client = connect(t, { retryAttempts: 0 });
  const refused = new Promise((resolve, reject) =>
    client.subscribe({ query: "{ nothing }" }, { next: reject, complete: reject, error: resolve }),
  );
  const { response } = await refused;
  assert.equal(response.status, 400);
  const { errors } = await response.json();
  assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});
