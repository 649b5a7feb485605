// Pages in a real browser: GraphiQL as the server serves it, and the example of the client package.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { browserForTests, picture } from "./support/browser.js";
import { ask } from "./support/http.js";
import { Proxy } from "./support/proxy.js";
import { root, serverForTests } from "./support/server.js";
import { MEMORY, QUESTION } from "./support/story.js";

const PACE_MS = 40;
const server = serverForTests({
  // So slow that something can be seen of a reply before it is whole.
  GATEWAY__BUILTIN__PACE_MILLISECONDS: PACE_MS,
  HTTP__GRAPHIQL_FOLDER: process.env.AIFIRST_GRAPHIQL ?? "",
});
const browser = browserForTests();

/** The built example on a port of its own, as any static server has it. */
let example;
before(async () => {
  const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };
  const pages = createServer(async ({ url }, response) => {
    const name = path.basename(new URL(url, "http://x").pathname) || "index.html";
    const content = await readFile(path.join(root, "clients/typescript/example/dist", name)).catch(() => undefined);
    response.writeHead(content ? 200 : 404, { "content-type": types[path.extname(name)] ?? "text/plain" });
    response.end(content);
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  example = { url: `http://127.0.0.1:${pages.address().port}/`, close: () => pages.close() };
});
after(() => example.close());

test("GraphiQL: loads with the pinned hashes, knows the schema, runs a query and a subscription", async (t) => {
  const { page, problems } = await browser.open(t);
  await page.goto(server.url);
  await page.locator(".graphiql-query-editor .CodeMirror").waitFor();
  const write = (editor, text) =>
    page.evaluate(([place, value]) => document.querySelector(`${place} .CodeMirror`).CodeMirror.setValue(value), [editor, text]);
  const result = () => page.evaluate(() => document.querySelector(".result-window .CodeMirror").CodeMirror.getValue());
  const answered = (pattern) =>
    page.waitForFunction((source) => new RegExp(source).test(document.querySelector(".result-window .CodeMirror").CodeMirror.getValue()), pattern.source);
  const execute = () => page.getByRole("button", { name: /^Execute query/ }).click();

  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByRole("link", { name: "Mutation" }).waitFor();

  await page.getByRole("button", { name: "Headers" }).click();
  await write(".graphiql-editor-tool .graphiql-editor:not(.hidden)", JSON.stringify({ Authorization: server.authorization }));
  await write(".graphiql-query-editor", "{ viewer { displayName memberships { nodes { workspace { id } } } } }");
  await execute();
  await answered(/"displayName"/);
  const { data } = JSON.parse(await result());
  const workspace = data.viewer.memberships.nodes[0].workspace.id;

  await write(".graphiql-query-editor", `subscription { changes(workspaceId: "${workspace}") { kind node { ... on Memory { text } } } }`);
  // The editor reads what was written a moment later; until then it would send a query's kind of request.
  await page.waitForFunction(
    () => document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror.documentAST?.definitions[0].operation === "subscription",
  );
  await execute();
  await page.getByRole("button", { name: /^Stop query/ }).waitFor();
  // It begins when it has begun: what is remembered until then is not told.
  const stop = setInterval(() => void ask(server, "remember", { workspace, text: "said while GraphiQL listens" }), 200);
  t.after(() => clearInterval(stop));
  await answered(/said while GraphiQL listens/);
  clearInterval(stop);
  await picture(page, "graphiql");
  assert.deepEqual(problems, []);
});

test("Example: it remembers, recalls, streams a reply over a line that breaks, runs a workflow, and shows what changes", async (t) => {
  const proxy = await Proxy.before(server.url);
  t.after(() => proxy.close());
  const { page, problems } = await browser.open(t);
  await page.goto(`${example.url}?server=${encodeURIComponent(proxy.url)}`);
  await picture(page, "example-connect");

  await page.getByLabel("Token").fill("aif_wrong_wrong");
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
  await picture(page, "example-refused");
  await page.getByLabel("Token").fill(server.authorization.replace("Bearer ", ""));
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByText("This page holds a copy of").waitFor();
  await picture(page, "example-empty");

  const memory = page.getByRole("region", { name: "Memory" });
  await memory.getByLabel("Something to remember").fill(MEMORY);
  await memory.getByRole("button", { name: "Remember" }).click();
  await memory.getByText(`Remembered: “${MEMORY}”`).waitFor();
  await memory.getByLabel("A question").fill(QUESTION);
  await memory.getByRole("button", { name: "Recall" }).click();
  await memory.getByRole("list", { name: "Found" }).getByText(MEMORY).waitFor();

  const coach = page.getByRole("region", { name: "Coach" });
  await coach.getByLabel("What is it about?").fill("My week");
  await coach.getByRole("button", { name: "Start a session" }).click();
  await coach.getByText("Say something to begin.").waitFor();
  proxy.cutAt('"TurnDelta"', 4, { stays: true });
  await coach.getByLabel("Your message").fill(QUESTION);
  await coach.getByRole("button", { name: "Send" }).click();
  const words = coach.getByRole("list", { name: "Conversation" }).locator("[data-role=COACH] .words");
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: "Lost the line" }).waitFor();
  const until = await words.textContent();
  await picture(page, "example-broken");
  proxy.mend();
  await coach.getByRole("status", { name: "Coach" }).filter({ hasText: "Your turn." }).waitFor();
  const shown = await words.textContent();
  assert.equal(proxy.cuts, 1);
  assert.ok(until.length < shown.length && shown.startsWith(until), `${until} … ${shown}`);
  const session = await sessionOf(server);
  assert.equal(shown, session.messages.nodes[1].text);
  assert.ok(shown.includes("🧗🏽"), shown);
  await page.locator("#line[data-state=live]").waitFor();

  const runs = page.getByRole("region", { name: "Workflow" });
  await runs.getByRole("button", { name: "Start a run" }).click();
  await runs.getByRole("form", { name: "Keep the summary of stand-ups?" }).waitFor();
  await picture(page, "example-asks");
  await runs.getByRole("button", { name: "Approve" }).click();
  await runs.getByText("The run is completed.").waitFor();
  const steps = await runs.getByRole("list", { name: "Steps" }).getByRole("listitem").allTextContents();
  assert.deepEqual(steps, ["notescompleted", "draftcompleted", "okcompleted", "keepcompleted"]);

  const changes = page.getByRole("list", { name: "Latest changes" });
  for (const what of [MEMORY, "My week: active", "keep: completed", "Keep the summary of stand-ups? approved"]) {
    await changes.getByText(what).first().waitFor();
  }
  await coach.getByRole("button", { name: "End the session" }).click();
  await coach.getByText("The session has ended.").waitFor();
  await picture(page, "example-done");
  await page.setViewportSize({ width: 390, height: 844 });
  await picture(page, "example-narrow");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it fits a narrow screen");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("input, textarea, select")].filter(({ labels }) => labels.length === 0).map(({ outerHTML }) => outerHTML),
  );
  assert.deepEqual(nameless, [], "each field has a label");
  // The browser itself tells of the refused token and of the line that was broken; there is nothing else to tell.
  const expected = /status of 401|^WebSocket connection to .* failed/;
  assert.deepEqual(problems.filter((problem) => !expected.test(problem)), []);
});

/** What is stored of the one session. */
async function sessionOf(server) {
  const query = `{ viewer { memberships { nodes { workspace { coachingSessions { nodes { messages { nodes { text } } } } } } } } }`;
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: server.authorization },
    body: JSON.stringify({ query }),
  });
  const { data } = await response.json();
  return data.viewer.memberships.nodes[0].workspace.coachingSessions.nodes[0];
}
