// Everything that changes, as it changes, and the copy that it keeps up to date.
import { type ChangeFieldsFragment, changed, ChangesDocument, type Client, emptyCopy, loadCopy, type LocalCopy } from "aifirst-client";
import { element, fill } from "./dom.js";
import type { Line } from "./line.js";

const SHOWN = 50;

export function changesPanel(client: Client, workspace: string, line: Line): HTMLElement {
  let copy: LocalCopy = emptyCopy;
  let latest: readonly ChangeFieldsFragment[] = [];
  const state = element("p", { class: "hint", role: "status", "aria-label": "Copy" }, "Loading …");
  const list = element("ol", { class: "changes", "aria-label": "Latest changes", tabindex: "0" });

  function show() {
    fill(state, `This page holds a copy of ${copy.entries.size} things that you may see.`, latest.length === 0 ? " Nothing has changed since you came." : "");
    fill(list, ...latest.map(told));
  }

  async function follow(): Promise<void> {
    copy = await loadCopy(client, workspace);
    show();
    for await (const change of client.follow(ChangesDocument, { workspace, after: copy.cursor }, line.options())) {
      copy = changed(copy, change);
      if (change.__typename === "Change") latest = [change, ...latest].slice(0, SHOWN);
      show();
    }
    // Too much was missed: a new copy.
    if (copy.stale) await follow();
  }

  follow().catch((error: unknown) => {
    fill(state, error instanceof Error ? error.message : String(error));
    line.failed(error);
  });
  return element("section", { class: "wide", "aria-labelledby": "changes" }, element("h2", { id: "changes" }, "Changes"), state, list);
}

function told(change: ChangeFieldsFragment): HTMLElement {
  const { node, deletedId, kind, at } = change;
  const type = node?.__typename ?? "";
  return element(
    "li",
    {},
    element("time", { datetime: at }, new Date(at).toLocaleTimeString()),
    element("span", { class: "kind" }, kind.toLowerCase()),
    element("b", {}, type.replace(/(?<=[a-z])(?=[A-Z])/g, " ")),
    element("span", { class: "what" }, node ? words(node) : deletedId ? `${deletedId} is gone` : "gone again, or not yours to see"),
  );
}

function words(node: NonNullable<ChangeFieldsFragment["node"]>): string {
  switch (node.__typename) {
    case "Memory":
    case "Message":
      return node.text;
    case "CoachingSession":
      return `${node.topic ?? "no topic"}: ${node.sessionStatus.toLowerCase()}`;
    case "Turn":
      return `${node.message.text}: ${node.turnStatus.toLowerCase()}`;
    case "Run":
      return node.runStatus.toLowerCase();
    case "StepRun":
      return `${node.key}: ${node.stepStatus.toLowerCase()}`;
    case "Approval":
      return `${node.title} ${node.approvalStatus.toLowerCase()}`;
    case "Workflow":
      return node.name;
    case "Membership":
      return `${node.user.displayName}: ${node.role.toLowerCase()}`;
    default:
      return node.id;
  }
}
