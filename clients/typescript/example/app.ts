// The page: a form to connect with, then a workspace. Each panel is a file of its own.
import { type Client, createClient, ViewerDocument, type ViewerQuery } from "aifirst-client";
import { changesPanel } from "./changes.js";
import { coachPanel } from "./coach.js";
import { element, field, fill, form } from "./dom.js";
import { Line } from "./line.js";
import { memoryPanel } from "./memory.js";
import { runPanel } from "./runs.js";

function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

const page = find("page");

function connectForm(): HTMLElement {
  const server = new URLSearchParams(location.search).get("server") ?? "http://127.0.0.1:8080/graphql";
  return form(
    { class: "connect" },
    async ({ url = "", token = "" }) => {
      const client = createClient({ url, token, backoff: { capMs: 5_000 } });
      const { viewer } = await client.request(ViewerDocument, {});
      if (!viewer) throw new Error("this is the token of a service account: take a person's");
      fill(page, workspaces(client, viewer));
    },
    element("h2", {}, "Connect"),
    element("p", { class: "hint" }, "Start a server with ", element("code", {}, "cargo run"), "; its owner's token is in ", element("code", {}, "data/dev-token"), "."),
    field("Server", element("input", { name: "url", type: "url", required: true, value: server })),
    field("Token", element("input", { name: "token", type: "password", required: true, autocomplete: "off" })),
    element("button", {}, "Connect"),
  );
}

function workspaces(client: Client, viewer: NonNullable<ViewerQuery["viewer"]>): HTMLElement {
  const board = element("div", { class: "board" });
  const choices = viewer.memberships.nodes.map(({ workspace }) => element("option", { value: workspace.id }, workspace.name));
  let line = new Line(find("line"));
  const choose = element("select", { onchange: () => open() }, ...choices);
  const leave = () => {
    line.end();
    client.close();
    fill(page, connectForm());
  };

  function open() {
    line.end();
    line = new Line(find("line"));
    const workspace = choose.value;
    fill(board, memoryPanel(client, workspace), coachPanel(client, workspace, line), runPanel(client, workspace, line), changesPanel(client, workspace, line));
  }

  const who = element("div", { class: "row" }, field(`${viewer.displayName}, in the workspace`, choose), element("button", { class: "quiet", onclick: leave }, "Disconnect"));
  if (choices.length === 0) fill(board, element("p", { class: "hint" }, "You are in no workspace yet: ask somebody to invite you."));
  else open();
  return element("div", {}, who, board);
}

fill(page, connectForm());
