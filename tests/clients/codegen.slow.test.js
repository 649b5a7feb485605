// GraphQL Code Generator's client preset with strict scalars, and the TypeScript compiler over what a frontend makes of it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, after, test } from "node:test";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { generate, sources } from "./support/codegen.js";
import { root, serverForTests } from "./support/server.js";

const server = serverForTests();
let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "aifirst-codegen-"));
  await symlink(path.join(root, "tests/clients/node_modules"), path.join(folder, "node_modules"));
  await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
});
after(async () => await rm(folder, { recursive: true }));

/** As a frontend's own configuration would have it. A scalar that is not named here fails the generation. */
const config = {
  strictScalars: true,
  scalars: { ID: "string", DateTime: "string", Duration: "string", Decimal: "string", Cursor: "string", JSON: "unknown", Upload: "Blob" },
  documentMode: "string",
  enumsAsTypes: true,
  useTypeImports: true,
  immutableTypes: true,
};

test("a frontend's typed operations are generated, compile strictly, and work", async () => {
  const files = await generate({ config, presetConfig: { fragmentMasking: { unmaskFunctionName: "useFragment" } } });
  await mkdir(path.join(folder, "generated"));
  for (const [name, content] of Object.entries(files)) {
    // The generator imports its own files without an extension; node wants one.
    await writeFile(path.join(folder, name), content.replace(/(["'])(\.\/[\w-]+)\1/g, "$1$2.js$1"));
  }
  assert.doesNotMatch(files["generated/graphql.ts"], /[:<|] any\b/, "a type that is no type");
  for (const name of ["operations.ts", "client.ts"]) {
    await writeFile(path.join(folder, name), await readFile(path.join(sources, name)));
  }
  const program = ts.createProgram([path.join(folder, "client.ts")], {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
  });
  const emitted = program.emit();
  const problems = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics];
  assert.equal(ts.formatDiagnostics(problems, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => folder,
    getNewLine: () => "\n",
  }), "");
  const { rememberAndRecall } = await import(pathToFileURL(path.join(folder, "client.js")));
  assert.deepEqual(await rememberAndRecall(server), [
    { text: "The stand-up is at ten", occurredAt: "2026-05-08T13:56:00Z" },
  ]);
});
