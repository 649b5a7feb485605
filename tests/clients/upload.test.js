// GraphQL multipart requests: as urql's own fetch exchange writes them, and by hand as the specification has it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, fetchExchange, gql } from "@urql/core";
import { ask } from "./support/http.js";
import { serverForTests } from "./support/server.js";
import { done } from "./support/story.js";

const server = serverForTests();
const lines = ["Tulips bloom in May", "Roses bloom in June"].map((text, i) => JSON.stringify({ externalId: `${i}`, text }));
const importMemories = /* GraphQL */ `
  mutation Import($input: ImportMemoriesInput!) {
    importMemories(input: $input) {
      created
      unchanged
      memories { text }
      userErrors { code field message }
    }
  }
`;

async function createWorkspace(name) {
  return done((await ask(server, "createWorkspace", { name })).createWorkspace).workspace.id;
}

test("upload: urql sends a file that stands in the variables", async () => {
  const workspaceId = await createWorkspace("Upload by urql");
  const headers = { authorization: server.authorization, "graphql-require-preflight": "1" };
  const client = new Client({
    url: server.url,
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetchOptions: { headers },
  });
  const file = new File([lines.join("\n")], "memories.jsonl", { type: "application/jsonl" });
  const imported = await client.mutation(gql(importMemories), { input: { workspaceId, file } }).toPromise();
  assert.equal(imported.error, undefined);
  assert.equal(imported.data.importMemories.created, 2);
  const again = await client.mutation(gql(importMemories), { input: { workspaceId, file: new Blob([lines[0]]) } }).toPromise();
  assert.equal(again.data.importMemories.unchanged, 1);
  const broken = await client.mutation(gql(importMemories), { input: { workspaceId, file: new Blob(["\n{}"]) } }).toPromise();
  const fields = broken.data.importMemories.userErrors.map(({ field }) => field);
  assert.deepEqual(fields, ["file.2.externalId", "file.2.text"]);
});

test("upload: the specification's own fields, and the header that a foreign form cannot send", async () => {
  const workspaceId = await createWorkspace("Upload by hand");
  const form = () => {
    const form = new FormData();
    form.append("operations", JSON.stringify({ query: importMemories, variables: { input: { workspaceId, file: null } } }));
    form.append("map", JSON.stringify({ 0: ["variables.input.file"] }));
    form.append("0", new Blob([lines.join("\r\n")]), "anything.exe");
    return form;
  };
  const post = (headers) =>
    fetch(server.url, { method: "POST", headers: { authorization: server.authorization, ...headers }, body: form() });
  const refused = await post({});
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).errors[0].extensions.code, "BAD_REQUEST");
  for (const header of ["graphql-require-preflight", "apollo-require-preflight"]) {
    const { data } = await (await post({ [header]: "true" })).json();
    assert.deepEqual(data.importMemories.memories.map(({ text }) => text), ["Tulips bloom in May", "Roses bloom in June"]);
  }
});
