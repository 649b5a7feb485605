// The TypeScript compiler over what an app makes of the package, at its strictest.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = path.dirname(fileURLToPath(import.meta.url));

/** What the compiler says of an app's code, and the file that it made of it. */
export async function compile(t, code) {
  const folder = await mkdtemp(path.join(tmpdir(), "aifirst-app-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, "node_modules"));
  await symlink(path.join(here, "../.."), path.join(folder, "node_modules/aifirst-client"));
  await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
  const file = path.join(folder, "app.ts");
  await writeFile(file, code);
  const program = ts.createProgram([file], {
    strict: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
  });
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  const how = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => folder, getNewLine: () => "\n" };
  return { problems: ts.formatDiagnostics(problems, how), file: path.join(folder, "app.js") };
}
