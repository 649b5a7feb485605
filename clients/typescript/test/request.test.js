// Requests: what is sent, what is told where they fail, and what is tried again.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AifirstError, InputError, createClient, cursor, done, pages, retry, withKey, RecallDocument } from "../dist/index.js";

const json = (status, body) => new Response(JSON.stringify(body), { status });
const refused = (status, code, more = {}) => json(status, { errors: [{ message: code, extensions: { code, requestId: "r1", ...more } }] });

/** A client whose server answers so, one after the other. */
function clientOf(answers, options = {}) {
  const sent = [];
  const fetch = async (url, init) => {
    sent.push({ url, ...init, body: JSON.parse(init.body) });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { client: createClient({ url: "http://server/graphql", token: "t", fetch, ...options }), sent };
}

test("a request is a POST with the document, its variables and the token; its data comes back", async () => {
  const { client, sent } = clientOf([json(200, { data: { workspace: null } })]);
  const variables = { workspace: "ws_1", input: { query: "owls" } };
  assert.deepEqual(await client.request(RecallDocument, variables), { workspace: null });
  const [{ url, method, headers, body }] = sent;
  assert.deepEqual([url, method, headers.authorization, body.variables], ["http://server/graphql", "POST", "Bearer t", variables]);
  assert.match(body.query, /^query Recall\(/);
});

test("an error tells its code, how long to wait, and the request's id; and what was answered all the same", async () => {
  const { client } = clientOf([
    refused(429, "RATE_LIMITED", { retryAfterMs: 1500 }),
    json(200, { data: { a: 1, b: null }, errors: [{ message: "gone", path: ["b"], extensions: { code: "NOT_FOUND" } }] }),
    new TypeError("fetch failed"),
    new Response("<html>", { status: 502 }),
  ]);
  await assert.rejects(client.request("{ a }", {}), { name: "AifirstError", code: "RATE_LIMITED", retryAfterMs: 1500, requestId: "r1", repeatable: true });
  await assert.rejects(client.request("{ a b }", {}), { code: "NOT_FOUND", data: { a: 1, b: null }, repeatable: false });
  await assert.rejects(client.request("{ a }", {}), { code: "NETWORK", repeatable: true });
  await assert.rejects(client.request("{ a }", {}), { code: "NETWORK", repeatable: true });
});

test("a refused token is asked for again once, the request with it", async () => {
  let kept = "old";
  const token = (refusedOne) => (kept = refusedOne === "old" ? "new" : kept);
  const { client, sent } = clientOf([refused(401, "UNAUTHENTICATED"), json(200, { data: {} }), refused(401, "UNAUTHENTICATED")], { token });
  await client.request("{ a }", {});
  assert.deepEqual(sent.map(({ headers }) => headers.authorization), ["Bearer old", "Bearer new"]);
  await assert.rejects(client.request("{ a }", {}), { code: "UNAUTHENTICATED", requestId: "r1" });
  assert.equal(sent.length, 3);
});

test("the signal ends a request with its own reason", async () => {
  const { client } = clientOf([], { fetch: async (_url, { signal }) => signal.throwIfAborted() });
  await assert.rejects(client.request("{ a }", {}, { signal: AbortSignal.abort(new Error("enough")) }), { message: "enough" });
});

test("what failed for now is tried again, as the server says or longer and longer; nothing else is", async () => {
  const failures = [new AifirstError("UNAVAILABLE", ""), new AifirstError("NETWORK", ""), new AifirstError("TIMEOUT", "")];
  const quick = { baseMs: 0, capMs: 0 };
  let calls = 0;
  const attempt = async () => {
    calls += 1;
    const failure = failures[calls - 1];
    if (failure) throw failure;
    return "done";
  };
  assert.equal(await retry(attempt, quick), "done");
  assert.equal(calls, 4);
  calls = 0;
  await assert.rejects(retry(attempt, { ...quick, attempts: 2 }), { code: "NETWORK" });
  assert.equal(calls, 2);
  let once = 0;
  await assert.rejects(retry(async () => { once += 1; throw new AifirstError("BAD_USER_INPUT", ""); }, quick), { code: "BAD_USER_INPUT" });
  assert.equal(once, 1);
  const busy = new AifirstError("RATE_LIMITED", "", { retryAfterMs: 1e6 });
  const stopped = AbortSignal.abort(new Error("enough"));
  await assert.rejects(retry(async () => { throw busy; }, { signal: stopped }), { message: "enough" });
});

test("an input gets one key for all attempts, and another input another", () => {
  const input = withKey({ text: "a" });
  assert.match(input.idempotencyKey, /^[0-9a-f-]{36}$/);
  assert.notEqual(withKey({ text: "a" }).idempotencyKey, input.idempotencyKey);
});

test("a payload with something to mend is an error that says what", () => {
  const problem = { code: "INVALID", field: "text", message: "write something" };
  assert.throws(() => done({ memory: null, userErrors: [problem] }), (error) => {
    assert.ok(error instanceof InputError);
    assert.deepEqual(error.problems, [problem]);
    return true;
  });
  const payload = { memory: { id: "m" }, userErrors: [] };
  assert.equal(done(payload), payload);
});

test("a list comes page by page, whatever its pages' sizes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 4 }), { maxLength: 5 }), async (list) => {
      const asked = [];
      const load = async (after) => {
        asked.push(after);
        const at = after === null ? 0 : Number(after);
        return { nodes: list[at] ?? [], pageInfo: { hasNextPage: at + 1 < list.length, endCursor: String(at + 1) } };
      };
      const all = [];
      for await (const page of pages(load)) all.push(page);
      assert.deepEqual(all.flat(), list.flat());
      assert.equal(asked.length, Math.max(1, list.length));
    }),
  );
  for await (const _page of pages(async () => undefined)) assert.fail("there is no list");
  const stuck = async () => ({ nodes: [], pageInfo: { hasNextPage: true, endCursor: null } });
  await assert.rejects(async () => { for await (const _page of pages(stuck)); }, /not from where/);
});

test("a cursor that was kept as a text is one", () => assert.equal(cursor("abc"), "abc"));
