// Relay: its compiler takes the schema, its runtime keeps one record for each id.
import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import relay from "relay-runtime";
import { Proxy } from "./support/proxy.js";
import { compile } from "./support/relay.js";
import { assertRecords, connect, mutate, player, query } from "./support/relay-client.js";
import { serverForTests } from "./support/server.js";
import { assertAnswers, done, playStory } from "./support/story.js";

const { ConnectionHandler } = relay;

const server = serverForTests();
let compiled;
before(async () => (compiled = await compile()));
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

test("Relay: the story, subscriptions over WebSocket keep the records live", async (t) => {
  const environment = connect(t, proxy, server.authorization);
  const story = await playStory(player(environment, compiled.story), proxy, "Relay");
  assertRecords(environment, story);
  assertAnswers(story, (operation, variables) => {
    const { fragment } = relay.createOperationDescriptor(relay.getRequest(compiled.story[operation]), variables);
    const { data, isMissingData } = environment.lookup(fragment);
    assert.equal(isMissingData, false, operation);
    return data;
  });
});

test("Relay: a connection grows page by page and by what is added; a record is refetched by its id", async (t) => {
  const environment = connect(t, proxy, server.authorization);
  const { artifacts, story } = compiled;
  const { workspace } = done(
    (await mutate(environment, story.createWorkspace, { name: "Relay pages" })).createWorkspace,
  );
  const remember = async (text, connections) => {
    const input = { workspaceId: workspace.id, text, kind: "NOTE", scope: "USER" };
    return done((await mutate(environment, artifacts.pagesRememberMutation, { input, connections })).remember);
  };
  for (const text of ["one", "two", "three"]) await remember(text, []);

  const found = await query(environment, artifacts.pagesQuery, { workspace: workspace.id, first: 2 });
  /** What a component shows that uses the fragment. */
  const shown = () => {
    const selector = relay.getSingularSelector(artifacts.pages_workspace, found.workspace);
    const { memories } = environment.lookup(selector).data;
    const texts = memories.edges.map(
      ({ node }) => environment.lookup(relay.getSingularSelector(artifacts.pages_memory, node)).data.text,
    );
    return { texts, pageInfo: memories.pageInfo };
  };
  const { texts, pageInfo } = shown();
  assert.deepEqual(texts, ["three", "two"]);
  assert.equal(pageInfo.hasNextPage, true);
  await query(environment, artifacts.pagesMoreQuery, { id: workspace.id, first: 2, after: pageInfo.endCursor });
  assert.deepEqual(shown().texts, ["three", "two", "one"]);
  assert.equal(shown().pageInfo.hasNextPage, false);

  const { memory } = await remember("four", [ConnectionHandler.getConnectionID(workspace.id, "pages_memories")]);
  assert.deepEqual(shown().texts, ["four", "three", "two", "one"]);

  const id = environment.lookup(relay.getSingularSelector(artifacts.pages_memory, memory)).data.id;
  const again = await query(environment, artifacts.pagesMemoryQuery, { id });
  assert.equal(environment.lookup(relay.getSingularSelector(artifacts.pages_memory, again.node)).data.text, "four");
});
