// Apollo Client: a normalised cache over HTTP, with subscriptions over WebSocket and over multipart HTTP.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition, relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { follow } from "./support/follow.js";
import { Proxy } from "./support/proxy.js";
import { possibleTypes } from "./support/schema.js";
import { serverForTests } from "./support/server.js";
import { assertAnswers, assertCache, done, operations, playStory } from "./support/story.js";

const server = serverForTests();
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

const documents = Object.fromEntries(Object.entries(operations).map(([name, text]) => [name, gql(text)]));

function connect(t, subscriptions) {
  const http = new HttpLink({ uri: proxy.url, headers: { authorization: server.authorization } });
  const isSubscription = ({ query }) => getMainDefinition(query).operation === "subscription";
  const client = new ApolloClient({
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: { Workspace: { fields: { memories: relayStylePagination() } } },
    }),
    link: subscriptions ? ApolloLink.split(isSubscription, subscriptions, http) : http,
  });
  t.after(() => client.stop());
  return client;
}

function webSocketLink(t) {
  const client = createClient({
    url: proxy.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: server.authorization }),
    // It would come back with the variables of the beginning: who follows comes back with the cursor.
    retryAttempts: 0,
  });
  t.after(() => client.dispose());
  return new GraphQLWsLink(client);
}

function player(client) {
  return {
    query: async (operation, variables) => (await client.query({ query: documents[operation], variables })).data,
    mutate: async (operation, variables) => (await client.mutate({ mutation: documents[operation], variables })).data,
    follow: (operation, variables) =>
      follow(
        variables,
        (current, sink) => {
          const answers = client.subscribe({ query: documents[operation], variables: current }).subscribe({
            next: ({ data, error }) => (error ? sink.error(error) : sink.next(data)),
            error: sink.error,
            complete: sink.complete,
          });
          return () => answers.unsubscribe();
        },
        (error) => !CombinedGraphQLErrors.is(error),
      ),
  };
}

function assertApolloCache(client, story) {
  const cache = client.cache.extract();
  assertCache(story, (type, id, field) => cache[`${type}:${id}`]?.[field]);
  assertAnswers(story, (operation, variables) => client.cache.readQuery({ query: documents[operation], variables }));
  const [{ __ref: asked }] = cache[`CoachingSession:${story.session.id}`]['messages({"first":10})'].nodes;
  assert.equal(asked, `Message:${story.message.id}`);
  assert.deepEqual(cache[`Approval:${story.approval.id}`].decidedBy, { __ref: `Viewer:${story.viewer.id}` });
}

test("Apollo: the story with subscriptions over WebSocket ends in a whole cache", async (t) => {
  const client = connect(t, webSocketLink(t));
  assertApolloCache(client, await playStory(player(client), proxy, "Apollo WebSocket"));
});

test("Apollo: the story with multipart subscriptions ends in a whole cache", async (t) => {
  const client = connect(t);
  assertApolloCache(client, await playStory(player(client), proxy, "Apollo multipart"));
});

test("Apollo: a list grows page by page in the cache", async (t) => {
  const client = connect(t);
  const { mutate } = player(client);
  const { workspace } = done((await mutate("createWorkspace", { name: "Apollo pages" })).createWorkspace);
  for (const text of ["one", "two", "three"]) done((await mutate("remember", { workspace: workspace.id, text })).remember);
  const variables = { workspace: workspace.id, first: 2 };
  const query = client.watchQuery({ query: documents.memories, variables });
  /** The list, once it has so many. */
  const shown = (count) =>
    new Promise((resolve) =>
      query.subscribe(({ data }) => {
        const memories = data?.workspace?.memories;
        if (memories?.edges.length === count) resolve(memories);
      }),
    );
  const first = await shown(2);
  assert.equal(first.pageInfo.hasNextPage, true);
  await query.fetchMore({ variables: { after: first.pageInfo.endCursor } });
  const all = await shown(3);
  assert.deepEqual(all.edges.map(({ node }) => node.text), ["three", "two", "one"]);
  assert.equal(all.pageInfo.hasNextPage, false);
});

test("Apollo: a refusal tells its code", async (t) => {
  const client = connect(t);
  await assert.rejects(client.query({ query: gql("query($id: ID!) { workspace(id: $id) { id } }"), variables: {} }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    assert.equal(error.errors[0].extensions.code, "BAD_USER_INPUT");
    return true;
  });
});
