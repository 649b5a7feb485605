// The audits of the GraphQL-over-HTTP specification, by the package that the specification's authors keep.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serverAudits } from "graphql-http";
import { serverForTests } from "./support/server.js";

const server = serverForTests();

test("all audits of GraphQL over HTTP pass, recommendations and options too", async () => {
  const audits = serverAudits({ url: () => server.url });
  const results = await Promise.all(audits.map((audit) => audit.fn()));
  const table = results
    .filter((result) => result.status !== "ok")
    .map((result) => `${result.status} ${result.id} ${result.name}: ${result.reason}`);
  assert.deepEqual(table, []);
  // Fewer would be an emptied suite.
  assert.ok(results.length >= 61, `${results.length} audits`);
  console.log(`${results.length - table.length} of ${results.length} audits pass`);
});
