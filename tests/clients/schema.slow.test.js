// The schema as tools judge it: breaking changes against the contract, and the conventions of a Relay schema.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { ESLint } from "eslint";
import { buildSchema, getNamedType } from "graphql";
import { schema, schemaFile } from "./support/schema.js";
import { root } from "./support/server.js";

const read = (name) => readFileSync(path.join(root, name), "utf8");

/** What the contract fixes and this version does not have yet: the one list of it is the Rust test's. */
const later = [...read("tests/it/contract/superset.rs").matchAll(/const LATER: &\[&str\] = &\[([^\]]*)\]/g)]
  .flatMap(([, list]) => [...list.matchAll(/"([^"]+)"/g)])
  .map(([, name]) => name);

test("the schema breaks nothing of the contract but what later versions bring", async () => {
  const contract = buildSchema(read("tests/it/contract/contract.graphql"));
  const changes = await diff(contract, schema);
  const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  const place = ({ path, meta }) => [path, meta?.removedUnionMemberTypeName].filter(Boolean).join(".");
  const expected = (change) => later.some((name) => `${place(change)}.`.startsWith(`${name}.`));
  assert.deepEqual(breaking.filter((change) => !expected(change)).map(({ message }) => message), []);
  // The list is read, and the comparison compares.
  assert.ok(later.length > 0 && changes.length > 0);
});

test("the schema keeps the rules of graphql-eslint for schemas and for Relay", async () => {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: path.join(root, "tests/clients/eslint.config.js") });
  const [result] = await eslint.lintFiles([schemaFile]);
  const told = result.messages.map(({ line, ruleId, message }) => `${line} ${ruleId}: ${message}`);
  assert.deepEqual(told, []);
});

test("what a connection lists can be asked for again, but for the attempts of a step", () => {
  const edges = Object.values(schema.getTypeMap()).filter(({ name }) => name.endsWith("Edge"));
  const nodes = edges.map((edge) => getNamedType(edge.getFields().node.type));
  const without = nodes.filter((node) => !node.getInterfaces().some(({ name }) => name === "Node"));
  assert.deepEqual(without.map(({ name }) => name), ["StepAttempt"]);
});
