// Builds the example page into example/dist; with --serve it also serves it, until it is stopped.
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "../example");
const output = path.join(folder, "dist");
mkdirSync(output, { recursive: true });
for (const name of ["index.html", "style.css"]) copyFileSync(path.join(folder, name), path.join(output, name));
const options = {
  entryPoints: [path.join(folder, "app.ts")],
  alias: { "aifirst-client": path.join(folder, "../src/index.ts") },
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  outdir: output,
};
if (process.argv.includes("--serve")) {
  const context = await esbuild.context(options);
  const { port } = await context.serve({ servedir: output, host: "127.0.0.1" });
  console.log(`http://127.0.0.1:${port}`);
} else {
  await esbuild.build(options);
}
