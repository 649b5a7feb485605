// The README's examples: compiled strictly, run against a server, and they print what they say.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import WebSocket from "ws";
import { serverForTests } from "../../../tests/clients/support/server.js";
import { compile } from "./support/compile.js";

const server = serverForTests();

test("the README's examples compile, and print what they say", async (t) => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block).join("\n");
  const expected = [...code.matchAll(/console\.log\(.*\/\/ prints: (.*)/g)].map(([, printed]) => printed);
  assert.ok(expected.length >= 5);

  const { problems, file } = await compile(t, `declare const url: string;\ndeclare const token: string;\n${code}`);
  assert.equal(problems, "");

  const printed = [];
  const { log } = console;
  const given = { url: server.url, token: server.authorization.replace("Bearer ", ""), WebSocket };
  const before = Object.fromEntries(Object.keys(given).map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, given);
  console.log = (...values) => printed.push(values.map((value) => (typeof value === "string" ? value : inspect(value))).join(" "));
  try {
    await import(pathToFileURL(file));
  } finally {
    console.log = log;
    Object.assign(globalThis, before);
  }
  assert.deepEqual(printed, expected);
});
