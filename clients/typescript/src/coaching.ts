// What a page shows of a coaching session, from its events.
import type {
  CoachingEventsSubscription,
  MessageFieldsFragment,
  SessionFieldsFragment,
  SessionQuery,
  StopReason,
  TurnFieldsFragment,
  TurnStatus,
} from "./generated.js";
import { put } from "./list.js";
import type { Cursor } from "./scalars.js";
import type { ResyncRequired } from "./stream.js";

export type CoachingEvent = CoachingEventsSubscription["coachingEvents"];

/** A message as it is shown: a reply's text grows while its status is `STREAMING`. */
export interface MessageView extends Pick<MessageFieldsFragment, "role" | "text" | "status" | "stopReason" | "citations"> {
  /** `undefined` as long as only the words of a reply are known. */
  readonly id: string | undefined;
  /** The turn whose reply it is; `undefined` for the person's own, and for what was loaded without its turn. */
  readonly turn: string | undefined;
}

export interface TurnView {
  readonly id: string;
  readonly status: TurnStatus;
  /** Why it ended without a whole reply. */
  readonly reason: StopReason | undefined;
}

/** Plain data: it can be kept as JSON, and followed from its `cursor` later. */
export interface CoachingView {
  readonly session: SessionFieldsFragment | undefined;
  /** In the order in which they were said. */
  readonly messages: readonly MessageView[];
  /** In the order in which they were asked for. */
  readonly turns: readonly TurnView[];
  /** Follow from here. */
  readonly cursor: Cursor | undefined;
  /** Too much was missed: load the session again. */
  readonly stale: boolean;
}

/** Nothing yet: follow the session from its beginning. */
export const emptyCoaching: CoachingView = { session: undefined, messages: [], turns: [], cursor: undefined, stale: false };

type LoadedSession = Extract<SessionQuery["node"], { __typename: "CoachingSession" }>;

/** Of a session as `SessionDocument` loads it, with its messages if there are more than a page: follow it from `cursor`. */
export function coachingView(loaded: LoadedSession, messages: readonly MessageFieldsFragment[] = loaded.messages.nodes): CoachingView {
  const { cursor, messages: _page, ...session } = loaded;
  return { ...emptyCoaching, session, messages: messages.map((message) => ({ ...message, turn: undefined })), cursor };
}

/** The view after an event. Events that this version does not know change nothing but the cursor. */
export function coaching(view: CoachingView, event: CoachingEvent | ResyncRequired): CoachingView {
  if (event.__typename === "ResyncRequired") return { ...view, stale: true };
  return { ...after(view, event), cursor: event.cursor };
}

function after(view: CoachingView, event: CoachingEvent): CoachingView {
  switch (event.__typename) {
    case "SessionStarted":
    case "SessionEnded":
      return { ...view, session: event.session };
    case "TurnQueued":
    case "TurnStarted":
    case "TurnCompleted":
      return withTurn(view, event.turn, undefined);
    case "TurnInterrupted":
    case "TurnIncomplete":
    case "TurnFailed":
      return withTurn(view, event.turn, event.reason);
    case "TurnSnapshot":
      return withReply(view, event.turn.id, event.turn.reply?.id, () => event.text);
    case "TurnDelta":
      return withReply(view, event.turn.id, undefined, (text) => grown(text, event));
    default:
      return view;
  }
}

/** Offsets count UTF-16 code units, as JavaScript's own do. */
function grown(text: string, delta: { readonly text: string; readonly offset: number }): string {
  // What is there already came twice; what would leave a gap waits for the snapshot that the server sends then.
  if (delta.offset > text.length || text.startsWith(delta.text, delta.offset)) return text;
  return text.slice(0, delta.offset) + delta.text;
}

function withTurn(view: CoachingView, turn: TurnFieldsFragment, reason: StopReason | undefined): CoachingView {
  const known = view.turns.find(({ id }) => id === turn.id);
  // An event that comes again is older than what is shown.
  if (known && rank(known.status) > rank(turn.status)) return view;
  const turns = put(view.turns, (one) => one.id === turn.id, { id: turn.id, status: turn.status, reason });
  const said = put(view.messages, ({ id }) => id === turn.message.id, { ...turn.message, turn: undefined });
  return { ...view, turns, messages: turn.reply ? withWhole(said, turn.id, turn.reply) : said };
}

/** What is neither waiting nor running is over, also where this version does not know how. */
const rank = (status: TurnStatus): number => (status === "QUEUED" ? 0 : status === "RUNNING" ? 1 : 2);
const isOver = (status: TurnStatus): boolean => rank(status) === 2;

/** While the coach speaks, the words that came by deltas are ahead of what is stored. */
function withWhole(messages: readonly MessageView[], turn: string, reply: MessageFieldsFragment): readonly MessageView[] {
  const shown = messages.find(isReply(turn, reply.id));
  const text = shown && reply.status === "STREAMING" ? shown.text : reply.text;
  return put(messages, isReply(turn, reply.id), { ...reply, text, turn });
}

function withReply(view: CoachingView, turn: string, id: string | undefined, change: (text: string) => string): CoachingView {
  const known = view.turns.find((one) => one.id === turn);
  if (known && isOver(known.status)) return view;
  const turns = put(view.turns, (one) => one.id === turn, { id: turn, status: "RUNNING", reason: undefined });
  const is = isReply(turn, id);
  const shown = view.messages.find(is) ?? { id, role: "COACH", text: "", status: "STREAMING", stopReason: null, citations: [] };
  const reply: MessageView = { ...shown, id: shown.id ?? id, turn, text: change(shown.text) };
  return { ...view, turns, messages: put(view.messages, is, reply) };
}

const isReply = (turn: string, id: string | undefined) => (message: MessageView) =>
  message.turn === turn || (id !== undefined && message.id === id);
