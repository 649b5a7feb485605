// A copy of a workspace, against a workspace that is only played.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changed, emptyCopy, learned } from "../dist/index.js";

const node = (id, text) => ({ __typename: "Memory", id, text });
const plain = ({ entries }) => Object.fromEntries(entries);

/** What happens to things: written again and again, gone for good. */
const histories = fc.array(fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), forget: fc.boolean(), text: fc.string() }), { maxLength: 30 });

/** A workspace after a history, and the changes that it tells to whoever asks at its end: each thing as it is then. */
function play(history) {
  const things = new Map();
  const gone = new Set();
  const log = [];
  for (const { id, forget, text } of history) {
    if (gone.has(id)) continue;
    const kind = forget ? "DELETED" : things.has(id) ? "UPDATED" : "CREATED";
    if (forget) {
      if (!things.delete(id)) continue;
      gone.add(id);
    } else {
      things.set(id, node(id, text));
    }
    log.push({ id, kind });
  }
  const changes = log.map(({ id, kind }, number) => ({
    __typename: "Change", cursor: `c${number}`, at: "", kind,
    node: kind === "DELETED" ? null : (things.get(id) ?? null),
    deletedId: kind === "DELETED" ? id : null,
  }));
  return { things: Object.fromEntries(things), changes };
}

test("a copy is the workspace, in however many pieces its changes came, also where some come again", () => {
  fc.assert(
    fc.property(histories, fc.nat(), fc.nat(5), (history, at, back) => {
      const { things, changes } = play(history);
      const middle = at % (changes.length + 1);
      const first = changed(emptyCopy, ...changes.slice(0, middle));
      const copy = changes.slice(Math.max(0, middle - back)).reduce((before, change) => changed(before, change), first);
      assert.deepEqual(plain(copy), things);
      assert.equal(copy.cursor, changes.at(-1)?.cursor);
    }),
  );
});

test("what is gone does not come back by an answer that is late", () => {
  const there = learned(emptyCopy, { memory: node("a", "owl") });
  assert.deepEqual(plain(there), { a: node("a", "owl") });
  const forgotten = changed(there, { __typename: "Change", cursor: "c1", kind: "DELETED", node: null, deletedId: "a" });
  assert.deepEqual(plain(learned(forgotten, [node("a", "owl"), node("b", "bat")])), { b: node("b", "bat") });
});

test("a thing within a thing is an entry of its own, and a list within is none of its fields", () => {
  const message = { __typename: "Message", id: "m", text: "hi" };
  const turn = { __typename: "Turn", id: "t", message, reply: null };
  const copy = learned(emptyCopy, { nodes: [{ ...turn, more: { nodes: [node("a", "owl")] } }] });
  assert.deepEqual(plain(copy), { t: { ...turn, message: { id: "m" } }, m: message, a: node("a", "owl") });
  const later = changed(copy, { __typename: "Change", cursor: "c1", kind: "UPDATED", node: { ...message, text: "[forgotten]" }, deletedId: null });
  assert.equal(later.entries.get("m").text, "[forgotten]");
  assert.equal(copy.entries.get("m").text, "hi", "the copy before is as it was");
});

test("too much missed makes a copy stale, and leaves what it holds", () => {
  const copy = learned(emptyCopy, node("a", "owl"));
  assert.deepEqual(changed(copy, { __typename: "ResyncRequired" }), { ...copy, stale: true });
});
