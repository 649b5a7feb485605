// A workflow that asks before it keeps something: started, watched step by step, and approved.
import {
  type Client,
  CreateWorkflowDocument,
  DecideApprovalDocument,
  done,
  emptyRun,
  pages,
  PublishWorkflowDocument,
  retry,
  run,
  RunEventsDocument,
  type RunView,
  StartRunDocument,
  withKey,
  WorkflowsDocument,
} from "aifirst-client";
import { element, field, fill, form } from "./dom.js";
import type { Line } from "./line.js";

const SLUG = "example-review";
const graph = {
  steps: [
    { key: "notes", action: { memoryRecall: { query: "{{ input.topic }}", limit: 5 } } },
    { key: "draft", after: ["notes"], action: { llm: { prompt: "Summarise: {{ steps.notes.output }}" } } },
    { key: "ok", after: ["draft"], action: { approval: { title: "Keep the summary of {{ input.topic }}?" } } },
    { key: "keep", after: ["ok"], when: "steps.ok.output.approved == true", action: { memoryWrite: { kind: "SUMMARY" as const, text: "{{ steps.draft.output.text }}" } } },
  ],
};

export function runPanel(client: Client, workspace: string, line: Line): HTMLElement {
  const shown = element("div", {}, element("p", { class: "hint" }, "No run yet."));
  const start = form(
    {},
    async ({ topic = "" }) => {
      const input = withKey({ workflowId: await workflow(client, workspace), input: { topic } });
      const started = done((await retry(() => client.request(StartRunDocument, { input }))).startRun);
      fill(shown, watched(client, started.run.id, line));
    },
    element("p", { class: "hint" }, "It looks into memory, drafts a summary, asks you, and keeps it if you approve."),
    field("Topic", element("input", { name: "topic", required: true, value: "stand-ups" })),
    element("button", {}, "Start a run"),
  );
  return element("section", { "aria-labelledby": "runs" }, element("h2", { id: "runs" }, "Workflow"), start, shown);
}

/** The example's workflow, made where it is not there yet. */
async function workflow(client: Client, workspace: string): Promise<string> {
  const load = async (after: string | null) => (await client.request(WorkflowsDocument, { workspace, first: 100, after })).workspace?.workflows;
  for await (const page of pages(load)) {
    const found = page.find(({ slug, publishedVersion }) => slug === SLUG && publishedVersion);
    if (found) return found.id;
  }
  const input = withKey({ workspaceId: workspace, name: "Review", slug: SLUG, graph });
  const made = done((await retry(() => client.request(CreateWorkflowDocument, { input }))).createWorkflow);
  done((await client.request(PublishWorkflowDocument, { workflow: made.workflow.id })).publishWorkflow);
  return made.workflow.id;
}

function watched(client: Client, id: string, line: Line): HTMLElement {
  let view: RunView = emptyRun;
  const state = element("p", { class: "hint", role: "status", "aria-label": "Run" }, "Starting …");
  const steps = element("ol", { class: "steps", "aria-label": "Steps" });
  const questions = element("div");
  const result = element("div");

  function show() {
    fill(state, view.over ? `The run is ${word(view.run?.status ?? "")}.` : "The run is under way.");
    fill(steps, ...view.steps.map(({ key, status, attempt }) => element("li", {}, element("b", {}, key), attempt > 1 && `attempt ${attempt}`, badge(status))));
    fill(questions, ...view.approvals.map((approval) => (approval.status === "PENDING" ? question(client, approval) : answered(approval))));
    const problem = view.run?.error;
    fill(result, problem && element("p", { class: "problem" }, problem.message), view.run?.output ? element("pre", { "aria-label": "Output" }, JSON.stringify(view.run.output, null, 2)) : null);
  }

  async function follow() {
    for await (const event of client.follow(RunEventsDocument, { run: id, after: view.cursor }, line.options())) {
      view = run(view, event);
      show();
    }
    if (!view.stale) return;
    // All of its events are little: from the beginning, then.
    view = emptyRun;
    await follow();
  }

  follow().catch((error: unknown) => line.failed(error));
  return element("div", {}, state, steps, questions, result);
}

const word = (status: string): string => status.toLowerCase().replaceAll("_", " ");
const badge = (status: string): HTMLElement => element("span", { class: "state", "data-state": status }, word(status));

interface Question {
  readonly id: string;
  readonly title: string;
  readonly status: string;
}

function question(client: Client, { id, title }: Question): HTMLElement {
  return form(
    { class: "question", "aria-label": title },
    async ({ decision }) => {
      const input = { approvalId: id, decision: decision === "APPROVE" ? ("APPROVE" as const) : ("REJECT" as const) };
      done((await client.request(DecideApprovalDocument, { input })).decideApproval);
    },
    element("p", {}, title),
    element(
      "div",
      { class: "row" },
      element("button", { name: "decision", value: "APPROVE" }, "Approve"),
      element("button", { name: "decision", value: "REJECT", class: "quiet" }, "Reject"),
    ),
  );
}

const answered = ({ title, status }: Question): HTMLElement => element("p", { class: "row" }, title, badge(status));
