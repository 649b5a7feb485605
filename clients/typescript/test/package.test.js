// The package as it lies here: its generated file is current, its lock file holds on any machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generated, generatedFile } from "../scripts/generated.js";

test("types and documents are those of schema.graphql and operations/: if not, run `npm run generate`", async () => {
  assert.equal(readFileSync(generatedFile, "utf8"), await generated());
});

test("the lock file names no registry, and a hash for each package", () => {
  const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
  const { "": own, ...others } = packages;
  assert.ok(own && Object.keys(others).length > 20);
  const wrong = Object.entries(others).filter(([, { resolved, integrity }]) => resolved || !integrity);
  assert.deepEqual(wrong.map(([name]) => name), []);
});

test("a copy has the fields of each type that can be asked for by an id", () => {
  const read = (place) => readFileSync(new URL(place, import.meta.url), "utf8");
  const nodes = [...read("../../../schema.graphql").matchAll(/^type (\w+) implements Node/gm)].map(([, name]) => name);
  const fragments = read("../operations/changes.graphql");
  const [, spread] = /fragment ThingCopy on Node \{([^}]*)\}/.exec(fragments);
  const copied = [...spread.matchAll(/\.\.\.(\w+)/g)].map(([, name]) => new RegExp(`fragment ${name} on (\\w+)`).exec(fragments)[1]);
  // The place itself, the people in it, who come with their memberships, calls of models, which are a log of their own, and
  // parts of documents, which change with them.
  const elsewhere = ["DocumentChunk", "LlmCall", "Viewer", "Workspace"];
  assert.deepEqual(copied.sort(), nodes.filter((name) => !elsewhere.includes(name)).sort());
});

test("the licence is the project's", () => {
  const read = (place) => readFileSync(new URL(place, import.meta.url), "utf8");
  assert.equal(read("../LICENSE"), read("../../../LICENSE"));
});
