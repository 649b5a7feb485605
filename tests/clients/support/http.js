// Queries and mutations as plain requests, for clients that only subscribe.
import assert from "node:assert/strict";
import { operations } from "./story.js";

export async function ask({ url, authorization }, operation, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json", authorization },
    body: JSON.stringify({ query: operations[operation], variables }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
  return answer.data;
}
