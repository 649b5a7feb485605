// urql with graphcache, a normalised cache that knows the schema; subscriptions over WebSocket, and over Server-Sent Events.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient } from "graphql-ws";
import { onEnd, pipe, subscribe } from "wonka";
import WebSocket from "ws";
import { follow } from "./support/follow.js";
import { Proxy } from "./support/proxy.js";
import { introspection } from "./support/schema.js";
import { serverForTests } from "./support/server.js";
import { assertAnswers, assertCache, done, operations, playStory } from "./support/story.js";

const server = serverForTests();
let proxy;
beforeEach(async () => (proxy = await Proxy.before(server.url)));
afterEach(async () => await proxy.close());

const documents = Object.fromEntries(Object.entries(operations).map(([name, text]) => [name, gql(text)]));

function connect(exchanges, options = {}) {
  return new Client({
    url: proxy.url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: server.authorization } },
    ...options,
    exchanges: [
      cacheExchange({
        schema: introspection,
        resolvers: {
          Workspace: { memories: relayPagination() },
          // What a client has, it can ask for by its id without asking the server.
          Query: { node: (_parent, { id }) => ({ __typename: typeOf(id), id }) },
        },
        keys: {
          RecallResult: () => null,
          RecallHit: () => null,
          SessionSummary: () => null,
          Citation: () => null,
          WorkflowDraft: () => null,
          GraphProblem: () => null,
          StepSnapshot: () => null,
        },
      }),
      ...exchanges,
    ],
  });
}

/** An id's prefix is its type. */
function typeOf(id) {
  const types = { apr: "Approval", mem: "Memory", msg: "Message", run: "Run", cs: "CoachingSession", turn: "Turn", user: "Viewer", ws: "Workspace" };
  const type = types[id.slice(0, id.indexOf("_"))];
  assert.ok(type, id);
  return type;
}

/** Subscriptions over graphql-ws. It subscribes again with the same payload after a break: so the payload keeps the cursor. */
function webSocketExchange(t) {
  const sockets = createClient({
    url: proxy.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: server.authorization }),
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
  });
  t.after(() => sockets.dispose());
  return subscriptionExchange({
    forwardSubscription({ query, variables }) {
      const payload = { query, variables: { ...variables } };
      return {
        subscribe: (sink) => ({
          unsubscribe: sockets.subscribe(payload, {
            ...sink,
            next(answer) {
              const [event] = Object.values(answer.data ?? {});
              if (event) payload.variables.after = event.cursor;
              sink.next(answer);
            },
          }),
        }),
      };
    },
  });
}

function player(client) {
  const data = async (result) => {
    const { data, error } = await result;
    assert.equal(error, undefined, String(error));
    return data;
  };
  return {
    query: (operation, variables) => data(client.query(documents[operation], variables).toPromise()),
    mutate: (operation, variables) => data(client.mutation(documents[operation], variables).toPromise()),
    follow: (operation, variables) =>
      follow(
        variables,
        (current, sink) =>
          pipe(
            client.subscription(documents[operation], current),
            onEnd(sink.complete),
            // At its end the last answer comes again, as the one after which none comes.
            subscribe(({ data, error, hasNext }) => (error ? sink.error(error) : hasNext && sink.next(data))),
          ).unsubscribe,
        ({ networkError }) => networkError !== undefined,
      ),
  };
}

function assertUrqlCache(client, story) {
  assertCache(story, (type, id, field) => {
    const query = gql(`query($id: ID!) { node(id: $id) { ... on ${type} { id ${field} } } }`);
    return client.readQuery(query, { id }, { requestPolicy: "cache-only" })?.data?.node?.[field];
  });
  assertAnswers(story, (operation, variables) => client.readQuery(documents[operation], variables, { requestPolicy: "cache-only" }).data);
}

test("urql: the story with subscriptions over WebSocket ends in a whole cache", async (t) => {
  const client = connect([webSocketExchange(t), fetchExchange]);
  assertUrqlCache(client, await playStory(player(client), proxy, "urql WebSocket"));
});

test("urql: the story with subscriptions over Server-Sent Events ends in a whole cache", async () => {
  const client = connect([fetchExchange], { fetchSubscriptions: true });
  assertUrqlCache(client, await playStory(player(client), proxy, "urql events"));
});

test("urql: a list grows page by page in the cache", async () => {
  const client = connect([fetchExchange]);
  const { query, mutate } = player(client);
  const { workspace } = done((await mutate("createWorkspace", { name: "urql pages" })).createWorkspace);
  for (const text of ["one", "two", "three"]) done((await mutate("remember", { workspace: workspace.id, text })).remember);
  const variables = { workspace: workspace.id, first: 2 };
  const first = (await query("memories", variables)).workspace.memories;
  assert.deepEqual(first.edges.map(({ node }) => node.text), ["three", "two"]);
  const { memories } = (await query("memories", { ...variables, after: first.pageInfo.endCursor })).workspace;
  assert.deepEqual(memories.edges.map(({ node }) => node.text), ["three", "two", "one"]);
  assert.equal(memories.pageInfo.hasNextPage, false);
});
