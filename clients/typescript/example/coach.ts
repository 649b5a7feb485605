// A session with the coach: the reply grows as it is written, and goes on after a broken line.
import {
  type Client,
  coaching,
  CoachingEventsDocument,
  type CoachingView,
  coachingView,
  done,
  emptyCoaching,
  EndSessionDocument,
  InterruptTurnDocument,
  retry,
  SendMessageDocument,
  SessionDocument,
  StartSessionDocument,
  withKey,
} from "aifirst-client";
import { element, field, fill, form } from "./dom.js";
import type { Line } from "./line.js";

export function coachPanel(client: Client, workspace: string, line: Line): HTMLElement {
  const body = element("div");
  const heading = element("header", {}, element("h2", { id: "coach" }, "Coach"));
  const start = form(
    {},
    async ({ topic = "" }) => {
      const input = withKey({ workspaceId: workspace, topic: topic || null });
      const { session } = done((await retry(() => client.request(StartSessionDocument, { input }))).startCoachingSession);
      fill(body, conversation(client, session.id, line, () => fill(body, start)));
    },
    element("p", { class: "hint" }, "The coach answers from what you have told it to remember, and says where it has it from."),
    field("What is it about?", element("input", { name: "topic", maxlength: "200", placeholder: "My week" })),
    element("button", {}, "Start a session"),
  );
  fill(body, start);
  return element("section", { "aria-labelledby": "coach" }, heading, body);
}

function conversation(client: Client, session: string, line: Line, leave: () => void): HTMLElement {
  let view: CoachingView = emptyCoaching;
  const talk = element("ol", { class: "talk", "aria-label": "Conversation", "aria-live": "polite", tabindex: "0" });
  const state = element("p", { class: "hint", role: "status", "aria-label": "Coach" });
  const running = () => view.turns.find(({ status }) => status === "RUNNING" || status === "QUEUED");

  const stop = element("button", { type: "button", class: "quiet", onclick: () => void interrupt() }, "Stop the reply");
  const end = element("button", { type: "button", class: "quiet", onclick: () => void client.request(EndSessionDocument, { session }) }, "End the session");
  const again = element("button", { type: "button", onclick: leave }, "A new session");
  const say = form(
    {},
    async ({ text = "" }, sent) => {
      const input = withKey({ sessionId: session, text });
      done((await retry(() => client.request(SendMessageDocument, { input }))).sendMessage);
      sent.reset();
    },
    field("Your message", element("textarea", { name: "text", required: true, maxlength: "20000", placeholder: "When does Ana like stand-ups?" })),
    element("div", { class: "row" }, element("button", {}, "Send"), stop, end),
  );
  const rest = element("div", {}, say);

  async function interrupt() {
    const turn = running();
    if (turn) await client.request(InterruptTurnDocument, { turn: turn.id });
  }

  function show() {
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 40;
    const shown = view.messages.map((message) =>
      element(
        "li",
        { "data-role": message.role, "data-status": message.status, "aria-busy": message.status === "STREAMING" ? "true" : "false" },
        element("small", {}, message.role === "USER" ? "You" : "Coach"),
        element("span", { class: "words" }, message.text),
        message.citations.length > 0 && element("small", {}, `from memory: ${message.citations.map(({ quote }) => `“${quote}”`).join(", ")}`),
        message.status === "INTERRUPTED" && element("small", {}, "stopped"),
        ["INCOMPLETE", "FAILED"].includes(message.status) && element("small", {}, "broke off: ask again"),
      ),
    );
    fill(talk, ...shown);
    if (atEnd) talk.scrollTop = talk.scrollHeight;
    stop.disabled = !running();
    const over = view.session?.status === "ENDED";
    if (over) fill(rest, element("pre", { "aria-label": "Summary" }, view.session?.summary?.text ?? ""), again);
    fill(state, over ? "The session has ended. What it came to:" : running() ? "The coach is writing …" : view.messages.length === 0 ? "Say something to begin." : "Your turn.");
  }

  /** Again from what is stored, where too much was missed to follow on. */
  async function follow(): Promise<void> {
    for await (const event of client.follow(CoachingEventsDocument, { session, after: view.cursor }, line.options())) {
      view = coaching(view, event);
      show();
    }
    if (!view.stale) return;
    const { node } = await client.request(SessionDocument, { session, first: 100 });
    if (node?.__typename !== "CoachingSession") return;
    view = coachingView(node);
    show();
    await follow();
  }

  show();
  follow().catch((error: unknown) => line.failed(error));
  return element("div", {}, talk, state, rest);
}
