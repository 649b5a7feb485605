// The reference client of the protocol graphql-transport-ws.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { ask } from "./support/http.js";
import { Proxy } from "./support/proxy.js";
import { PATIENCE_MS, serverForTests } from "./support/server.js";
import { operations, playRestart, playStory } from "./support/story.js";

const server = serverForTests({ HTTP__SOCKET__INIT_SECONDS: 1, HTTP__SOCKET__PING_SECONDS: 1 });
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

/** A client of the server, with what happens to its socket. */
function connect(t, options = {}) {
  const happened = [];
  const note = (name) => () => happened.push(name);
  const client = createClient({
    url: proxy.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: server.authorization }),
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    ...options,
    on: { connecting: note("connecting"), connected: note("connected"), closed: note("closed"), ...options.on },
  });
  t.after(() => client.dispose());
  return { client, happened };
}

/** The data of a query or mutation over the socket. */
async function once(client, operation, variables) {
  for await (const result of client.iterate({ query: operations[operation], variables })) {
    assert.equal(result.errors, undefined, JSON.stringify(result.errors));
    return result.data;
  }
  assert.fail(`${operation} has no answer`);
}

/** The library subscribes again with the same payload after a break: so the payload keeps the cursor. */
function follow(client, operation, variables) {
  const payload = { query: operations[operation], variables: { ...variables } };
  return new ReadableStream({
    start(controller) {
      this.stop = client.subscribe(payload, {
        next({ data, errors }) {
          assert.equal(errors, undefined, JSON.stringify(errors));
          const [event] = Object.values(data);
          payload.variables.after = event.cursor;
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

/** How the server closes: code and reason. */
function closing(t, options) {
  return new Promise((resolve) => {
    const { client } = connect(t, { lazy: false, retryAttempts: 0, onNonLazyError() {}, ...options });
    client.on("closed", ({ code, reason }) => resolve({ code, reason }));
  });
}

test("WebSocket: the story over one socket: a broken line loses nothing and doubles nothing", async (t) => {
  const { client, happened } = connect(t, { lazy: false });
  await playStory(
    {
      query: (operation, variables) => once(client, operation, variables),
      mutate: (operation, variables) => once(client, operation, variables),
      follow: (operation, variables) => follow(client, operation, variables),
    },
    proxy,
    "graphql-ws",
  );
  assert.equal(proxy.cuts, 1);
  assert.deepEqual(happened, ["connecting", "connected", "closed", "connecting", "connected"]);
});

test("WebSocket: a server that stops sends its clients away with 1012, and they come back to the one after it", async (t) => {
  const codes = [];
  const { client } = connect(t, {
    retryAttempts: Infinity,
    // Without this the library gives up where no server answers.
    shouldRetry: () => true,
    on: { closed: ({ code }) => codes.push(code) },
  });
  await playRestart(
    {
      // Queries and mutations may come while the server is away: each on a connection of its own.
      query: (operation, variables) => ask({ url: proxy.url, authorization: server.authorization }, operation, variables),
      mutate: (operation, variables) => ask({ url: proxy.url, authorization: server.authorization }, operation, variables),
      follow: (operation, variables) => follow(client, operation, variables),
    },
    proxy,
    server,
    "graphql-ws restart",
  );
  assert.equal(codes[0], 1012);
});

test("WebSocket: a lazy client connects for an operation and leaves after it", async (t) => {
  const { client, happened } = connect(t);
  const closed = new Promise((resolve) => client.on("closed", resolve));
  assert.deepEqual(happened, []);
  await once(client, "viewer", {});
  const { code } = await closed;
  assert.equal(code, 1000);
  assert.deepEqual(happened, ["connecting", "connected", "closed"]);
});

test("WebSocket: both sides' pings are answered, and a socket that is kept alive stays", { timeout: PATIENCE_MS }, async (t) => {
  const { client } = connect(t, { lazy: false, keepAlive: 50 });
  let pongs = 0;
  await new Promise((resolve) => client.on("pong", (received) => received && ++pongs === 3 && resolve()));
  await once(client, "viewer", {});
});

test("WebSocket: what cannot be executed is an error of the operation, and the socket stays", async (t) => {
  const { client, happened } = connect(t, { lazy: false });
  const refused = (query, variables) =>
    new Promise((resolve, reject) =>
      client.subscribe({ query, variables }, { next: reject, complete: reject, error: resolve }),
    );
  const [validation] = await refused("{ nothing }");
  assert.equal(validation.extensions.code, "GRAPHQL_VALIDATION_FAILED");
  const [parsing] = await refused("{");
  assert.equal(parsing.extensions.code, "GRAPHQL_PARSE_FAILED");
  const [coercion] = await refused(operations.recall, {});
  assert.equal(coercion.extensions.code, "BAD_USER_INPUT");
  await once(client, "viewer", {});
  assert.deepEqual(happened, ["connecting", "connected"]);
});

test("WebSocket: a message that is none closes with 4400", async (t) => {
  const { code } = await closing(t, { on: { connected: (socket) => socket.send("hello") } });
  assert.equal(code, 4400);
});

test("WebSocket: an operation before connection_init closes with 4401", async (t) => {
  const subscribe = JSON.stringify({ type: "subscribe", id: "1", payload: { query: "{ __typename }" } });
  const { code, reason } = await closing(t, { on: { opened: (socket) => socket.send(subscribe) } });
  assert.equal(code, 4401);
  assert.match(reason, /^Unauthorized/);
});

test("WebSocket: a credential that is not valid closes with 4403, after which a client comes back with another", async (t) => {
  const credentials = ["Bearer aif_wrong_wrong", server.authorization];
  const { client } = connect(t, { connectionParams: () => ({ authorization: credentials.shift() }) });
  const closed = new Promise((resolve) => client.on("closed", resolve));
  const { viewer } = await once(client, "viewer", {});
  assert.ok(viewer.id);
  assert.equal((await closed).code, 4403);
});

test("WebSocket: a client that does not introduce itself in time is closed with 4408", { timeout: PATIENCE_MS }, async (t) => {
  const { code, reason } = await closing(t, { connectionParams: () => new Promise(() => {}) });
  assert.deepEqual({ code, reason }, { code: 4408, reason: "Connection initialisation timeout" });
});

test("WebSocket: an operation's id that is in use closes with 4409", async (t) => {
  const { session } = (await once(connect(t).client, "startSession", { workspace: await workspace(t) }))
    .startCoachingSession;
  const payload = { query: operations.coachingEvents, variables: { session: session.id } };
  const subscribe = JSON.stringify({ type: "subscribe", id: "mine", payload });
  const { code, reason } = await closing(t, {
    on: {
      connected(socket) {
        socket.send(subscribe);
        socket.send(subscribe);
      },
    },
  });
  assert.deepEqual({ code, reason }, { code: 4409, reason: "Subscriber for mine already exists" });
});

test("WebSocket: a second connection_init closes with 4429", async (t) => {
  const { code, reason } = await closing(t, {
    on: { connected: (socket) => socket.send(JSON.stringify({ type: "connection_init" })) },
  });
  assert.deepEqual({ code, reason }, { code: 4429, reason: "Too many initialisation requests" });
});

async function workspace(t) {
  const { createWorkspace } = await once(connect(t).client, "createWorkspace", { name: t.name.slice(0, 30) });
  return createWorkspace.workspace.id;
}
