// What a stream makes of an address at which no WebSocket opens, against servers that are only played.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import WebSocket, { WebSocketServer } from "ws";
import { createClient } from "../dist/index.js";

const document = "subscription($after: Cursor) { events(after: $after) { cursor } }";
const event = { cursor: "c1" };

const page = (status) => ({ status, type: "text/html", body: "<html>" });
const graphql = { status: 200, type: "application/json", body: '{"data":{"__typename":"Query"}}' };

/**
 * Answers requests by `request()`, and sockets by `upgrade()`: a status with which one is refused, or what it says to each
 * message. Counts the sockets that were asked for.
 */
async function playing(t, { request, upgrade }) {
  const sockets = new WebSocketServer({ noServer: true });
  const server = http.createServer((asked, answer) => {
    const { status, type, body } = request();
    asked.resume().on("end", () => answer.writeHead(status, { "content-type": type }).end(body));
  });
  const played = { asked: 0 };
  server.on("upgrade", (asked, socket, head) => {
    played.asked += 1;
    const how = upgrade();
    if (typeof how === "number") return void socket.end(`HTTP/1.1 ${how} no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    sockets.handleUpgrade(asked, socket, head, (ws) => ws.on("message", (text) => how(JSON.parse(text), (said) => ws.send(JSON.stringify(said)))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  played.url = `http://127.0.0.1:${server.address().port}/graphql`;
  return played;
}

/** A server that tells one event. */
function telling({ type, id }, say) {
  if (type === "connection_init") say({ type: "connection_ack" });
  if (type !== "subscribe") return;
  say({ type: "next", id, payload: { data: { events: event } } });
  say({ type: "complete", id });
}

async function following(t, url, options = {}, how = {}) {
  const client = createClient({ url, token: "t", webSocketImpl: WebSocket, backoff: { baseMs: 0 }, ...options });
  t.after(() => client.close());
  const events = [];
  for await (const told of client.follow(document, {}, how)) events.push(told);
  return events;
}

test("an address at which something else answers ends the stream", async (t) => {
  for (const [answer, refused] of [[page(404), 404], [page(200), 200], [page(200), 404], [{ ...graphql, body: '{"ok":true}' }, 400]]) {
    const played = await playing(t, { request: () => answer, upgrade: () => refused });
    await assert.rejects(following(t, played.url), { name: "AifirstError", code: "WRONG_ADDRESS", repeatable: false });
    assert.equal(played.asked, 1);
  }
});

test("an address that is none ends the stream, over WebSocket and over events, and a request", async (t) => {
  for (const url of ["", "not an address", "/graphql", "ftp://server/graphql"]) {
    for (const streams of ["websocket", "events"]) {
      await assert.rejects(following(t, url, { streams }), { code: "WRONG_ADDRESS" });
      await assert.rejects(createClient({ url, token: "t", streams, webSocketImpl: WebSocket }).request("{ a }", {}), { code: "WRONG_ADDRESS" });
    }
  }
});

test("a server that speaks another protocol over its sockets ends the stream", async (t) => {
  const { url } = await playing(t, { request: () => graphql, upgrade: () => (heard, say) => say({ you: heard }) });
  await assert.rejects(following(t, url), { code: "WRONG_ADDRESS" });
});

test("a server that is away is asked until it is back, however long that takes", async (t) => {
  let left = 20;
  const back = () => (left -= 1) < 0;
  const { url } = await playing(t, { request: () => page(503), upgrade: () => (back() ? telling : 503) });
  assert.deepEqual(await following(t, url), [event]);
});

test("a server at which nobody listens is no wrong address; the signal ends the waiting", async (t) => {
  const server = http.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/graphql`;
  await new Promise((closed) => server.close(closed));
  const enough = new AbortController();
  let waits = 0;
  const onStatus = ({ state, error }) => {
    if (state !== "waiting") return;
    assert.equal(error.code, "NETWORK");
    if ((waits += 1) === 10) enough.abort();
  };
  assert.deepEqual(await following(t, url, {}, { signal: enough.signal, onStatus }), []);
  assert.equal(waits, 10);
});

test("a server that answers requests and opens no socket is given some time, then told apart", async (t) => {
  let left = 4;
  const late = await playing(t, { request: () => graphql, upgrade: () => ((left -= 1) < 0 ? telling : 403) });
  assert.deepEqual(await following(t, late.url), [event]);
  const never = await playing(t, { request: () => graphql, upgrade: () => 403 });
  await assert.rejects(following(t, never.url), { code: "NO_WEBSOCKET", repeatable: false });
  assert.equal(never.asked, 5);
});

test("what the server says of a request counts for a socket that it does not open", async (t) => {
  const refused = { status: 401, type: "application/json", body: JSON.stringify({ errors: [{ message: "no", extensions: { code: "UNAUTHENTICATED" } }] }) };
  const { url } = await playing(t, { request: () => refused, upgrade: () => 401 });
  await assert.rejects(following(t, url), { code: "UNAUTHENTICATED" });
});

test("one request asks for all streams; a client that is closed waits for no answer", async (t) => {
  let requests = 0;
  const { url } = await playing(t, { request: () => ((requests += 1), page(404)), upgrade: () => 404 });
  const client = createClient({ url, token: "t", webSocketImpl: WebSocket });
  const streams = [1, 2, 3].map(() => client.follow(document, {}).next());
  for (const stream of streams) await assert.rejects(stream, { code: "WRONG_ADDRESS" });
  assert.equal(requests, 1);

  let begun;
  const asked = new Promise((resolve) => (begun = resolve));
  const fetch = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      begun();
    });
  const silent = createClient({ url, token: "t", webSocketImpl: WebSocket, fetch, backoff: { baseMs: 0 } });
  const ended = silent.follow(document, {}).next();
  await asked;
  silent.close();
  assert.deepEqual(await ended, { done: true, value: undefined });
});
