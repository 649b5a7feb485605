// Streams over Server-Sent Events, against a server that is only played.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { createClient } from "../dist/index.js";

const SILENCE_MS = 1_000;
const document = "subscription($after: Cursor) { events(after: $after) { cursor } }";
const eventStream = { "content-type": "text/event-stream" };
const html = { "content-type": "text/html" };
const told = (cursor) => `event: next\ndata: ${JSON.stringify({ data: { events: { cursor } } })}\n\n`;

/** A client, and the lines that it opened: what the server says on each, and whether the client has left it. */
function playing(t) {
  const lines = [];
  const fetch = async (_url, { body, signal }) => {
    const line = { after: JSON.parse(body).variables.after, signal };
    const stream = new ReadableStream({
      start(controller) {
        line.say = (text) => controller.enqueue(Buffer.from(text));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    lines.push(line);
    return new Response(stream, { headers: eventStream });
  };
  const client = createClient({ url: "http://server/graphql", token: "t", streams: "events", fetch, silenceMs: SILENCE_MS, backoff: { baseMs: 0 } });
  t.after(() => client.close());
  return { client, lines };
}

/** Until all that can happen without the clock has happened. */
async function settled() {
  for (let turns = 0; turns < 10; turns += 1) await turn();
}

test("a line that is lost without a word is taken up again; signs of life keep one on which nothing happens", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, lines } = playing(t);
  const events = client.follow(document, {});
  const first = events.next();
  await settled();
  lines[0].say(told("c1"));
  assert.deepEqual(await first, { done: false, value: { cursor: "c1" } });
  const second = events.next();
  for (let signs = 0; signs < 5; signs += 1) {
    await settled();
    t.mock.timers.tick(SILENCE_MS - 1);
    lines[0].say(":\n\n");
  }
  await settled();
  assert.deepEqual(lines.map(({ signal }) => signal.aborted), [false]);
  t.mock.timers.tick(SILENCE_MS);
  await settled();
  t.mock.timers.tick(0);
  await settled();
  assert.deepEqual(lines.map(({ after, signal }) => [after, signal.aborted]), [[undefined, true], ["c1", false]]);
  lines[1].say(told("c2"));
  assert.deepEqual(await second, { done: false, value: { cursor: "c2" } });
});

test("a server that does not even begin to answer is asked again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const signals = [];
  const fetch = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      signals.push(signal);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const client = createClient({ url: "http://server/graphql", token: "t", streams: "events", fetch, silenceMs: SILENCE_MS, backoff: { baseMs: 0 } });
  const ended = client.follow(document, {}).next();
  await settled();
  t.mock.timers.tick(SILENCE_MS);
  await settled();
  t.mock.timers.tick(0);
  await settled();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  client.close();
  assert.deepEqual(await ended, { done: true, value: undefined });
});

test("a client that is closed leaves no line open, and its streams end", async (t) => {
  const { client, lines } = playing(t);
  const streams = [client.follow(document, {}), client.follow(document, {})];
  const ended = streams.map((stream) => stream.next());
  await settled();
  client.close();
  await settled();
  assert.deepEqual(lines.map(({ signal }) => signal.aborted), [true, true]);
  assert.deepEqual(await Promise.all(ended), [{ done: true, value: undefined }, { done: true, value: undefined }]);
  assert.deepEqual(await client.follow(document, {}).next(), { done: true, value: undefined });
  assert.equal(lines.length, 2);
});

test("a reader that leaves closes the line", async (t) => {
  const { client, lines } = playing(t);
  const events = client.follow(document, {});
  const first = events.next();
  await settled();
  lines[0].say(told("c1"));
  await first;
  await events.return();
  assert.deepEqual(lines.map(({ signal }) => signal.aborted), [true]);
});

test("it needs no stream that can be iterated over, which some browsers have not", async (t) => {
  const { prototype } = ReadableStream;
  const iterator = Object.getOwnPropertyDescriptor(prototype, Symbol.asyncIterator);
  Object.defineProperty(prototype, Symbol.asyncIterator, { ...iterator, value: undefined });
  t.after(() => Object.defineProperty(prototype, Symbol.asyncIterator, iterator));
  const { client, lines } = playing(t);
  const events = client.follow(document, {});
  const first = events.next();
  await settled();
  // In pieces, as a network cuts it: within a line, within a character.
  for (const byte of Buffer.from(told("c🧗"))) lines[0].say([byte]);
  assert.deepEqual(await first, { done: false, value: { cursor: "c🧗" } });
});

test("what answers and is no GraphQL server ends the stream; what a server in between says for now does not", async () => {
  const following = async (...answers) => {
    const fetch = async () => answers.shift();
    const client = createClient({ url: "http://server/graphql", token: "t", streams: "events", fetch, backoff: { baseMs: 0 } });
    const events = [];
    for await (const event of client.follow(document, {})) events.push(event);
    return events;
  };
  const page = (status) => new Response("<html>", { status, headers: html });
  for (const status of [200, 404, 405]) await assert.rejects(following(page(status)), { code: "WRONG_ADDRESS", repeatable: false }, status);
  await assert.rejects(following(Response.json({ detail: "Not Found" }, { status: 404 })), { code: "WRONG_ADDRESS" });
  await assert.rejects(following(Response.json(null)), { code: "WRONG_ADDRESS" });
  const refused = { errors: [{ message: "no such field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] };
  await assert.rejects(following(Response.json(refused)), { code: "GRAPHQL_VALIDATION_FAILED" });
  const whole = new Response(`${told("c1")}event: complete\n\n`, { headers: eventStream });
  assert.deepEqual(await following(page(502), page(503), page(429), whole), [{ cursor: "c1" }]);
});
