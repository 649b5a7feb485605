// A client's copy of a workspace is the workspace, whatever happened while it was offline.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual, promisify } from "node:util";
import WebSocket from "ws";
import { Proxy } from "../../../tests/clients/support/proxy.js";
import { serverForTests } from "../../../tests/clients/support/server.js";
import * as aifirst from "../dist/index.js";
import { withSeed } from "./support/dice.js";
import { people, tokenOf } from "./support/people.js";
import { until, Workspace } from "./support/workspace.js";

const { catchUp, changed, CopyThingsDocument, createClient, learned, loadCopy } = aifirst;
const server = serverForTests({ ...people, GATEWAY__BUILTIN__PACE_MILLISECONDS: 1 });

function connect(t, token, url = server.url) {
  const client = createClient({ url, token, webSocketImpl: WebSocket, backoff: { baseMs: 5, capMs: 100 } });
  t.after(() => client.close());
  return client;
}

/** What this caller would load now: the lists, and each thing of the copy and each that was made by its id. */
async function truth(client, copy, workspace, made) {
  let all = await loadCopy(client, workspace);
  const ids = [...new Set([...copy.entries.keys(), ...made])];
  for (let at = 0; at < ids.length; at += 100) {
    const { nodes } = await client.request(CopyThingsDocument, { ids: ids.slice(at, at + 100) });
    all = learned(all, nodes);
  }
  return all.entries;
}

/** What the copy has otherwise: each with how it is there, and how it is. */
async function wrong(client, copy, workspace, made) {
  const now = await truth(client, copy, workspace, made);
  const ids = new Set([...copy.entries.keys(), ...now.keys()]);
  const differ = [...ids].filter((id) => !isDeepStrictEqual(copy.entries.get(id), now.get(id)));
  return differ.map((id) => ({ copied: copy.entries.get(id), is: now.get(id) }));
}

/** Follows for ever, over a line that breaks. */
function live(client, workspace, begin) {
  const stop = new AbortController();
  const follower = { copy: begin, stop: () => stop.abort() };
  follower.ended = (async () => {
    for await (const change of client.follow(aifirst.ChangesDocument, { workspace, after: begin.cursor }, { signal: stop.signal })) {
      follower.copy = changed(follower.copy, change);
    }
  })();
  return follower;
}

test("copies are the workspace after each time offline, each for what its bearer may see", async (t) => {
  await withSeed(async (dice) => {
    const owner = connect(t, server.authorization.slice("Bearer ".length));
    const [mo, vi, guest] = ["Mo", "Vi", "Guest"].map((name) => connect(t, tokenOf(name)));
    const place = await Workspace.create(dice, owner, "Offline");
    await place.join(mo, "MEMBER");
    await place.join(vi, "VIEWER");
    place.others.push(mo);
    place.guest = { client: guest };
    await place.define(owner);

    const proxy = await Proxy.before(server.url);
    t.after(() => proxy.close());
    const throughProxy = [connect(t, server.authorization.slice("Bearer ".length), proxy.url), connect(t, tokenOf("Vi"), proxy.url)];
    const followers = [];
    for (const client of throughProxy) followers.push({ client, ...{ live: live(client, place.id, await loadCopy(client, place.id)) } });
    const offline = [];
    for (const client of [owner, mo, vi]) offline.push({ client, copy: await loadCopy(client, place.id) });
    // Of what was there before, a copy has what the lists have.
    place.made.clear();

    for (let period = 0; period < 6; period += 1) {
      const did = [];
      for (let acts = 3 + dice.throw(10); acts > 0; acts -= 1) {
        if (dice.throw(3) === 0) proxy.cutAt('"cursor"', 1 + dice.throw(4));
        did.push(await place.something());
      }
      await place.rest();
      const about = `period ${period}: ${did.join(", ")}`;
      for (const one of offline) {
        // Not each one comes online each time; at the end all do.
        if (period < 5 && dice.throw(3) === 0) continue;
        one.copy = await catchUp(one.client, place.id, one.copy);
        assert.deepEqual(await wrong(one.client, one.copy, place.id, place.made), [], about);
      }
      for (const { client, live: follower } of followers) {
        let different;
        await until(async () => (different = await wrong(client, follower.copy, place.id, place.made)).length === 0).catch(() => undefined);
        assert.deepEqual(different, [], `live, ${about}`);
      }
    }
    for (const { live: follower } of followers) {
      follower.stop();
      await follower.ended;
    }
    // Those who may see less saw less.
    const types = (copy) => new Set([...copy.entries.values()].map(({ __typename }) => __typename));
    assert.ok(!types(offline[2].copy).has("CoachingSession"));
    assert.ok(offline[2].copy.entries.size < offline[0].copy.entries.size);
  });
});

test("a copy has all that was said in a session, also beyond the first page of it", async (t) => {
  await withSeed(async (dice) => {
    const client = connect(t, server.authorization.slice("Bearer ".length));
    const place = await Workspace.create(dice, client, "Talkative");
    const { session } = await place.do(client, aifirst.StartSessionDocument, { input: { workspaceId: place.id } });
    // A question and an answer each.
    for (let said = 0; said < 51; said += 1) {
      const { turn } = await place.do(client, aifirst.SendMessageDocument, { input: { sessionId: session.id, text: "And?" } });
      place.turns = [{ who: client, id: turn.id }];
      await place.rest();
    }
    const messages = [...place.made].filter((id) => id.startsWith("msg_"));
    assert.equal(messages.length, 102);
    const { entries } = await loadCopy(client, place.id);
    assert.deepEqual([...entries.keys()].filter((id) => id.startsWith("msg_")).sort(), messages.sort());
  });
});

/** Has all that happened be years ago: at its next start the server keeps none of it. */
async function age(data) {
  const script = `import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("UPDATE event SET at = '2020' || substr(at, 5)")
database.commit()
database.close()`;
  await promisify(execFile)("python3", ["-c", script, path.join(data, "aifirst.db")]);
}

test("who was away for longer than events are kept is told so, loads again, and goes on from there", async (t) => {
  const token = server.authorization.slice("Bearer ".length);
  const proxy = await Proxy.before(server.url);
  t.after(() => proxy.close());
  const client = connect(t, token, proxy.url);
  const { workspace } = aifirst.done((await client.request(aifirst.CreateWorkspaceDocument, { input: { name: "Trimmed" } })).createWorkspace);
  const remember = async (text) => {
    const input = { workspaceId: workspace.id, text, scope: "WORKSPACE" };
    return aifirst.done((await client.request(aifirst.RememberDocument, { input })).remember).memory;
  };
  const kept = await remember("before");
  const forgotten = await remember("soon forgotten");
  const before = await loadCopy(client, workspace.id);
  aifirst.done((await client.request(aifirst.ForgetDocument, { memory: forgotten.id })).forgetMemory);
  const missed = await remember("missed");
  await server.restart(age);
  proxy.leadTo(server.url);

  let caughtUp = await catchUp(client, workspace.id, before);
  while (!caughtUp.stale) caughtUp = await catchUp(client, workspace.id, before);
  assert.deepEqual(caughtUp, { ...before, stale: true });
  const told = [];
  for await (const change of client.follow(aifirst.ChangesDocument, { workspace: workspace.id, after: before.cursor })) told.push(change);
  assert.deepEqual(told, [{ __typename: "ResyncRequired" }]);

  let copy = await loadCopy(client, workspace.id);
  const memories = ({ entries }) => [...entries.keys()].filter((id) => id.startsWith("mem_")).sort();
  assert.deepEqual(memories(copy), [kept.id, missed.id].sort());
  const later = await remember("later");
  for await (const change of client.follow(aifirst.ChangesDocument, { workspace: workspace.id, after: copy.cursor })) {
    copy = changed(copy, change);
    if (copy.entries.has(later.id)) break;
  }
  assert.deepEqual(await wrong(client, copy, workspace.id, [kept.id, missed.id, later.id]), []);
});
