// The schema as tools judge it: breaking changes against the contract, and the conventions of a Relay schema.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ESLint } from "eslint";
import { buildSchema, getNamedType } from "graphql";
import { breaking, place, untold } from "./support/breaking.js";
import { schema, schemaFile } from "./support/schema.js";
import { root } from "./support/server.js";

const read = (name) => readFileSync(path.join(root, name), "utf8");

/** What the contract fixes and this version does not have yet: the one list of it is the Rust test's. */
const later = [...read("tests/it/contract/superset.rs").matchAll(/const LATER: &\[&str\] = &\[([^\]]*)\]/g)]
  .flatMap(([, list]) => [...list.matchAll(/"([^"]+)"/g)])
  .map(([, name]) => name);

test("the schema breaks nothing of the contract but what later versions bring", async () => {
  const contract = buildSchema(read("tests/it/contract/contract.graphql"));
  const changes = await breaking(contract, schema);
  const expected = (change) => later.some((name) => `${place(change)}.`.startsWith(`${name}.`));
  assert.deepEqual(changes.filter((change) => !expected(change)).map(({ message }) => message), []);
  // The list is read, and the comparison compares.
  assert.ok(later.length > 0 && changes.length > 0);
});

test("the schema keeps the rules of graphql-eslint for schemas and for Relay", async () => {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: path.join(root, "tests/clients/eslint.config.js") });
  const [result] = await eslint.lintFiles([schemaFile]);
  // That field is `viewerCan` on every type, on the viewer, too; the rule knows no exceptions.
  const expected = ({ ruleId, message }) =>
    ruleId === "@graphql-eslint/no-typename-prefix" && message.startsWith('Field "viewerCan" starts with the name of the parent type "Viewer"');
  const told = result.messages.filter((one) => !expected(one)).map(({ line, ruleId, message }) => `${line} ${ruleId}: ${message}`);
  assert.deepEqual(told, []);
});

test("what a connection lists can be asked for again, but for entities, the attempts of a step and registered documents", () => {
  const edges = Object.values(schema.getTypeMap()).filter(({ name }) => name.endsWith("Edge"));
  const nodes = edges.map((edge) => getNamedType(edge.getFields().node.type));
  const without = nodes.filter((node) => !node.getInterfaces().some(({ name }) => name === "Node"));
  assert.deepEqual(without.map(({ name }) => name), ["Entity", "StepAttempt", "TrustedDocument"]);
});

const released = read("tests/clients/released.graphql");

test("what the last release had is there, or CHANGELOG.md names what is not", async () => {
  assert.deepEqual(await untold(buildSchema(released), schema, read("CHANGELOG.md")), []);
});

test("the schema of the last release is that of its tag: each release writes it anew", () => {
  const git = (...command) => execFileSync("git", command, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [tag] = git("tag", "--list", "v*", "--sort=-version:refname").split("\n");
  // Before the first release, and in a clone without tags, there is nothing to compare with.
  if (tag) assert.equal(released, git("show", `${tag}:schema.graphql`), `cp schema.graphql tests/clients/released.graphql belongs to ${tag}`);
});

test("a breaking change passes with its line in the changelog, and with nothing else", async () => {
  const before = buildSchema(`
    type Query { owl(id: ID!, name: String): Owl  find: Found }
    type Owl { name: String! age: Int mood: Mood }
    type Bat { name: String! }
    union Found = Owl | Bat
    enum Mood { GOOD BAD }
    input OwlInput { name: String }
  `);
  const after = buildSchema(`
    type Query { owl(id: ID!): Owl  find: Found  more: Int }
    type Owl { name: String mood: Mood }
    type Bat { name: String! }
    union Found = Owl
    enum Mood { GOOD }
    input OwlInput { name: String! }
  `);
  const places = async (changelog) => (await untold(before, after, changelog)).map((line) => line.slice(0, line.indexOf(":"))).sort();
  const all = ["Found.Bat", "Mood.BAD", "Owl.age", "Owl.name", "OwlInput.name", "Query.owl.name"];
  assert.deepEqual(await places("# Changelog\n\n## Unreleased\n\n- Something else.\n"), all);
  const lines = all.map((name) => `- **Breaking**: \`${name}\` is\n  otherwise now.\n`);
  assert.deepEqual(await places(`## Unreleased\n\n${lines.join("")}\n## 1.0\n`), []);
  // Of one that is out already, of another field, and without the word that people look for.
  assert.deepEqual(await places(`## Unreleased\n\n- Little.\n\n## 1.0\n\n${lines.join("")}`), all);
  assert.deepEqual(await places("## Unreleased\n\n- **Breaking**: `Owl.ages` is gone.\n- `Owl.name` may be null.\n"), all);
  assert.deepEqual(await untold(before, before, ""), []);
});
