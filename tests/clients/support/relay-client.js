// Relay's runtime against a server: what stands for an operation is its text, or its id where the compiler persisted it.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import relay from "relay-runtime";
import WebSocket from "ws";
import { follow } from "./follow.js";
import { assertCache } from "./story.js";

const { Environment, Network, Observable, RecordSource, Store } = relay;

/** The protocol of the socket demands a `query`, if an empty one. */
const named = ({ id, text, name }) => ({ query: text ?? "", documentId: id ?? undefined, operationName: name });

export function connect(t, proxy, authorization) {
  const sockets = createClient({
    url: proxy.webSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization }),
    // It would come back with the variables of the beginning: who follows comes back with the cursor.
    retryAttempts: 0,
  });
  t.after(() => sockets.dispose());
  const fetchOperation = async (operation, variables) => {
    const response = await fetch(proxy.url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify({ ...named(operation), variables }),
    });
    return await response.json();
  };
  const subscribe = (operation, variables) =>
    Observable.create((sink) => sockets.subscribe({ ...named(operation), variables }, sink));
  return new Environment({ network: Network.create(fetchOperation, subscribe), store: new Store(new RecordSource()) });
}

export const query = (environment, artifact, variables) => relay.fetchQuery(environment, artifact, variables).toPromise();

export const mutate = (environment, mutation, variables) =>
  new Promise((resolve, reject) =>
    relay.commitMutation(environment, {
      mutation,
      variables,
      onCompleted: (data, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(data)),
      onError: reject,
    }),
  );

/** For the story, with its compiled operations. */
export const player = (environment, documents) => ({
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
});

export function assertRecords(environment, story) {
  const records = environment.getStore().getSource();
  assertCache(story, (type, id, field) => {
    const record = records.get(id);
    assert.equal(record?.__typename, type);
    return record[field];
  });
}
