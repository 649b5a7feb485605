// What the code generator makes of schema.graphql and operations/: types of what is asked and answered, typed documents.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse, print, visit } from "graphql";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(here, "../operations");

/** Where the result is kept. */
export const generatedFile = path.join(here, "../src/generated.ts");

const HEAD = `// Generated from schema.graphql and operations/ by \`npm run generate\`. Do not edit.
import { Operation } from "./document.js";
import type { Cursor } from "./scalars.js";`;

export async function generated() {
  const names = readdirSync(folder).filter((name) => name.endsWith(".graphql")).sort();
  return await codegen({
    filename: generatedFile,
    schema: parse(readFileSync(path.join(here, "../../../schema.graphql"), "utf8")),
    documents: names.map((name) => ({ location: name, document: parse(readFileSync(path.join(folder, name), "utf8")) })),
    config: {
      // A scalar that is not named here fails the generation.
      strictScalars: true,
      // Files go by multipart requests, which this client does not make.
      scalars: { ID: "string", DateTime: "string", Duration: "string", Decimal: "string", Cursor: "Cursor", JSON: "unknown", Upload: "never" },
      enumType: "string-literal",
      // A newer server may answer with values that are not known yet.
      futureProofEnums: true,
      immutableTypes: true,
    },
    plugins: [{ head: {} }, { operations: {} }, { codes: {} }, { documents: {} }],
    pluginMap: {
      head: { plugin: () => ({ content: "", prepend: [HEAD] }) },
      operations,
      codes: { plugin: errorCodes },
      documents: { plugin: (_schema, files) => documents(files.map(({ document }) => document)) },
    },
  });
}

/** The enum of codes, which no operation leads to. */
function errorCodes(schema) {
  const values = schema.getType("ErrorCode").getValues();
  const lines = values.map(({ name, description }) => `  /** ${description.replaceAll("\n", " ")} */\n  | "${name}"`);
  return `\n/** Every \`extensions.code\` of an error that this version of the client knows. */\nexport type ErrorCode =\n${lines.join("\n")};\n`;
}

/** Each operation with the fragments that it needs, as a text with the types of its variables and its answer. */
function documents(files) {
  const definitions = files.flatMap((file) => file.definitions);
  const fragments = new Map(definitions.filter(({ kind }) => kind === "FragmentDefinition").map((one) => [one.name.value, one]));
  const needed = (definition, found = new Set()) => {
    visit(definition, {
      FragmentSpread({ name: { value } }) {
        if (found.has(value)) return;
        found.add(value);
        needed(fragments.get(value), found);
      },
    });
    return found;
  };
  return definitions
    .filter(({ kind }) => kind === "OperationDefinition")
    .map((operation) => {
      const name = operation.name.value;
      const kind = operation.operation[0].toUpperCase() + operation.operation.slice(1);
      const { description, ...plain } = operation;
      const text = [plain, ...[...needed(operation)].sort().map((fragment) => fragments.get(fragment))].map(print).join("\n\n");
      const types = `${name}${kind}, ${name}${kind}Variables`;
      const said = description ? `/** ${description.value} */\n` : "";
      return `\n${said}export const ${name}Document = new Operation<${types}>(\`${text}\`);`;
    })
    .join("\n");
}
