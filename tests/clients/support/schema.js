// The committed schema, as clients' tools read it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { buildSchema, introspectionFromSchema } from "graphql";
import { root } from "./server.js";

export const schemaFile = path.join(root, "schema.graphql");
export const schema = buildSchema(readFileSync(schemaFile, "utf8"));
export const introspection = introspectionFromSchema(schema);

/** Which objects an interface or union stands for: what a normalised cache has to know. */
export const possibleTypes = Object.fromEntries(
  introspection.__schema.types
    .filter((type) => type.possibleTypes)
    .map((type) => [type.name, type.possibleTypes.map(({ name }) => name)]),
);
