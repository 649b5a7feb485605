// The README's examples: compiled strictly, run against a server, and they print what they say.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import ts from "typescript";
import WebSocket from "ws";
import { serverForTests } from "../../../tests/clients/support/server.js";

const server = serverForTests();
const here = path.dirname(fileURLToPath(import.meta.url));

test("the README's examples compile, and print what they say", async (t) => {
  const readme = await readFile(path.join(here, "../README.md"), "utf8");
  const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block).join("\n");
  const expected = [...code.matchAll(/console\.log\(.*\/\/ prints: (.*)/g)].map(([, printed]) => printed);
  assert.ok(expected.length >= 5);

  const folder = await mkdtemp(path.join(tmpdir(), "aifirst-readme-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, "node_modules"));
  await symlink(path.join(here, ".."), path.join(folder, "node_modules/aifirst-client"));
  await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
  const file = path.join(folder, "readme.ts");
  await writeFile(file, `declare const url: string;\ndeclare const token: string;\n${code}`);
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
  };
  const program = ts.createProgram([file], options);
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  const how = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => folder, getNewLine: () => "\n" };
  assert.equal(ts.formatDiagnostics(problems, how), "");

  const printed = [];
  const { log } = console;
  const given = { url: server.url, token: server.authorization.replace("Bearer ", ""), WebSocket };
  const before = Object.fromEntries(Object.keys(given).map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, given);
  console.log = (...values) => printed.push(values.map((value) => (typeof value === "string" ? value : inspect(value))).join(" "));
  try {
    await import(pathToFileURL(path.join(folder, "readme.js")));
  } finally {
    console.log = log;
    Object.assign(globalThis, before);
  }
  assert.deepEqual(printed, expected);
});
