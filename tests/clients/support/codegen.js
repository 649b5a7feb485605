// GraphQL Code Generator's client preset over the sources of `codegen/`, as a frontend's build runs it.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import { parse } from "graphql";
import { schema } from "./schema.js";
import { root } from "./server.js";

export const sources = path.join(root, "tests/clients/codegen");

/** What is generated, by the names of the files. */
export async function generate({ config, presetConfig, documentTransforms }) {
  const location = path.join(sources, "operations.ts");
  const texts = [...(await readFile(location, "utf8")).matchAll(/graphql\(\/\* GraphQL \*\/ `([^`]*)`/g)];
  const documents = texts.map(([, rawSDL]) => ({ location, rawSDL, document: parse(rawSDL) }));
  const outputs = await preset.buildGeneratesSection({
    baseOutputDir: "generated/",
    presetConfig,
    schema: undefined,
    schemaAst: schema,
    documents,
    config,
    plugins: [],
    pluginMap: {},
    pluginContext: {},
    documentTransforms,
  });
  const files = {};
  // At once: the manifest is whole when the operations are.
  await Promise.all(
    outputs.map(async (output) => (files[output.filename] = await codegen({ ...output, schemaAst: schema }))),
  );
  return files;
}
