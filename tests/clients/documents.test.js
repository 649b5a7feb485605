// Trusted documents and Apollo's automatic persisted queries, with the links and the manifests of the real clients.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";
import ts from "typescript";
import { generate } from "./support/codegen.js";
import { Proxy } from "./support/proxy.js";
import { compile } from "./support/relay.js";
import { assertRecords, connect, player } from "./support/relay-client.js";
import { possibleTypes } from "./support/schema.js";
import { Server, serverForTests } from "./support/server.js";
import { MEMORY, done, operations, playStory } from "./support/story.js";

const open = serverForTests();
const strict = serverForTests({ HTTP__DOCUMENTS__MODE: "only" });
let folder;
before(async () => (folder = await mkdtemp(path.join(tmpdir(), "aifirst-documents-"))));
after(async () => await rm(folder, { recursive: true }));

/** As the build of a frontend does it: with a key that is good for nothing else. */
async function push(manifest, application) {
  const file = path.join(folder, `${application}.json`);
  await writeFile(file, JSON.stringify(manifest));
  const create = ["token", "create", "--user", "ci@example.org", "--workspace", "demo", "--role", "admin"];
  const key = await strict.run([...create, "--scope", "documents"]);
  const arguments_ = ["documents", "push", "--url", strict.url, "--application", application, "--manifest", file];
  const told = await strict.run(arguments_, { API_KEY: key.trim() });
  assert.equal(told, `${Object.keys(manifest).length} documents registered for ${application}, 0 were there already\n`);
}

/** Apollo Client over HTTP, and what it sends. */
function apollo(t, server, options) {
  const sent = [];
  const recorded = (url, init) => {
    sent.push({ method: init.method, ...(init.body ? JSON.parse(init.body) : {}) });
    return fetch(url, init);
  };
  const http = new HttpLink({ uri: server.url, headers: { authorization: server.authorization }, fetch: recorded });
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes }),
    link: ApolloLink.from([createPersistedQueryLink(options), http]),
  });
  t.after(() => client.stop());
  return { client, sent };
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

for (const [form, options] of [
  ["POST", {}],
  ["GET", { useGETForHashedQueries: true }],
]) {
  test(`Apollo: a text is sent once for all clients, then its hash alone by ${form}`, async (t) => {
    const viewer = gql(`query Viewer${form} { viewer { id displayName } }`);
    for (const expected of [[false, true], [false]]) {
      const { client, sent } = apollo(t, open, { sha256, ...options });
      const { data } = await client.query({ query: viewer });
      assert.ok(data.viewer.id);
      assert.deepEqual(sent.map(({ query }) => query !== undefined), expected, "the text was sent");
      assert.equal(sent[0].method, form);
    }
    const { client } = apollo(t, open, { sha256, ...options });
    const mutation = gql(operations.createWorkspace);
    const { data } = await client.mutate({ mutation, variables: { name: `Automatic ${form}` } });
    assert.ok(done(data.createWorkspace).workspace.id);
  });
}

/** The documents that client-preset generates, by their names, and its manifest. */
async function generated() {
  const files = await generate({
    config: { scalars: { DateTime: "string", Duration: "string", Decimal: "string", Cursor: "string", JSON: "unknown" }, useTypeImports: true },
    presetConfig: { persistedDocuments: true, fragmentMasking: false },
    documentTransforms: [{ name: "typename", transformObject: addTypenameSelectionDocumentTransform }],
  });
  const file = path.join(folder, "graphql.mjs");
  const compilerOptions = { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 };
  await writeFile(file, ts.transpileModule(files["generated/graphql.ts"], { compilerOptions }).outputText);
  return { documents: await import(pathToFileURL(file)), manifest: JSON.parse(files["generated/persisted-documents.json"]) };
}

/** The workspace whose documents are pushed, by one of them: a document of it shows no other. */
async function ownWorkspace() {
  const text = "query Own { viewer { memberships(first: 1) { nodes { workspace { id } } } } }";
  await push({ [sha256(text)]: text }, "own");
  const headers = { "content-type": "application/json", authorization: strict.authorization };
  const body = JSON.stringify({ documentId: sha256(text) });
  const { data } = await (await fetch(strict.url, { method: "POST", headers, body })).json();
  return data.viewer.memberships.nodes[0].workspace;
}

test("Apollo with client-preset's manifest runs where only trusted documents do", async (t) => {
  const { documents, manifest } = await generated();
  const { client, sent } = apollo(t, strict, { generateHash: async (document) => document.__meta__?.hash ?? "unknown" });
  const name = { name: "Trusted" };
  await assert.rejects(client.mutate({ mutation: documents.TypedCreateWorkspaceDocument, variables: name }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    assert.equal(error.errors[0].extensions.code, "PERSISTED_QUERY_NOT_SUPPORTED");
    return true;
  });

  await push(manifest, "apollo");
  const workspace = await ownWorkspace();
  sent.length = 0;
  const items = [{ externalId: "1", text: MEMORY }];
  const imported = await client.mutate({ mutation: documents.TypedImportDocument, variables: { workspace: workspace.id, items } });
  assert.equal(done(imported.data.importMemories).created, 1);
  const input = { query: "stand-ups" };
  const recalled = await client.query({ query: documents.TypedRecallDocument, variables: { workspace: workspace.id, input } });
  assert.equal(recalled.data.workspace.recall.hits[0].item.text, MEMORY);
  const session = "cs_00000000000000000000000000";
  const events = client.subscribe({ query: documents.TypedCoachingEventsDocument, variables: { session } });
  const { error } = await new Promise((next, error) => events.subscribe({ next, error }));
  assert.equal(error.errors[0].extensions.code, "NOT_FOUND", "it ran");
  assert.deepEqual(sent.map(({ query }) => query), [undefined, undefined, undefined], "a text was sent");

  await assert.rejects(client.query({ query: gql("query Unknown { viewer { id } }") }), (error) => {
    assert.equal(error.errors[0].extensions.code, "PERSISTED_QUERY_NOT_SUPPORTED");
    return true;
  });
  // And it goes on with what is registered.
  const again = await client.query({
    query: documents.TypedRecallDocument,
    variables: { workspace: workspace.id, input },
    fetchPolicy: "network-only",
  });
  assert.equal(again.data.workspace.recall.hits.length, 1);
});

test("Relay's persisted queries: the whole story where only trusted documents run", async (t) => {
  const { story: documents, persisted } = await compile({ persist: true });
  assert.equal(documents.viewer.params.text, null);
  // It makes a workspace, which no document that a workspace registered may: so the operator lists them.
  const manifest = path.join(folder, "story.json");
  await writeFile(manifest, JSON.stringify(persisted));
  const manifests = JSON.stringify([manifest]);
  const server = await Server.start({ HTTP__DOCUMENTS__MODE: "only", HTTP__DOCUMENTS__MANIFESTS: manifests });
  t.after(() => server.stop());
  const proxy = await Proxy.before(server.url);
  t.after(() => proxy.close());
  const environment = connect(t, proxy, server.authorization);
  const story = await playStory(player(environment, documents), proxy, "Relay persisted");
  assertRecords(environment, story);
});
