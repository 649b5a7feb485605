// Relay: its compiler takes the schema, its runtime keeps one record for each id.
import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { createClient } from "graphql-ws";
import relay from "relay-runtime";
import WebSocket from "ws";
import { follow } from "./support/follow.js";
import { Proxy } from "./support/proxy.js";
import { compile } from "./support/relay.js";
import { serverForTests } from "./support/server.js";
import { assertCache, done, playStory } from "./support/story.js";

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store } = relay;

const server = serverForTests();
let compiled;
before(async () => (compiled = await compile()));
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

function connect(t) {
  const sockets = createClient({
    url: proxy.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: server.authorization }),
    // It would come back with the variables of the beginning: who follows comes back with the cursor.
    retryAttempts: 0,
  });
  t.after(() => sockets.dispose());
  const fetchOperation = async ({ text, name }, variables) => {
    const response = await fetch(proxy.url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: server.authorization },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return await response.json();
  };
  const subscribe = ({ text, name }, variables) =>
    Observable.create((sink) => sockets.subscribe({ query: text, operationName: name, variables }, sink));
  return new Environment({ network: Network.create(fetchOperation, subscribe), store: new Store(new RecordSource()) });
}

const query = (environment, artifact, variables) => relay.fetchQuery(environment, artifact, variables).toPromise();

const mutate = (environment, mutation, variables) =>
  new Promise((resolve, reject) =>
    relay.commitMutation(environment, {
      mutation,
      variables,
      onCompleted: (data, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(data)),
      onError: reject,
    }),
  );

test("Relay: the story, subscriptions over WebSocket keep the records live", async (t) => {
  const environment = connect(t);
  const { story: documents } = compiled;
  const story = await playStory(
    {
      query: (operation, variables) => query(environment, documents[operation], variables),
      mutate: (operation, variables) => mutate(environment, documents[operation], variables),
      follow: (operation, variables) =>
        follow(variables, (current, sink) => {
          const subscription = relay.requestSubscription(environment, {
            subscription: documents[operation],
            variables: current,
            onNext: sink.next,
            onError: sink.error,
            onCompleted: sink.complete,
          });
          return () => subscription.dispose();
        }),
    },
    proxy,
    "Relay",
  );
  const records = environment.getStore().getSource();
  assertCache(story, (type, id, field) => {
    const record = records.get(id);
    assert.equal(record?.__typename, type);
    return record[field];
  });
});

test("Relay: a connection grows page by page and by what is added; a record is refetched by its id", async (t) => {
  const environment = connect(t);
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
