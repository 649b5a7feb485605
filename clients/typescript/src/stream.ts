// Subscriptions that go on where they were broken off.
import { type Backoff, delay, wait } from "./backoff.js";
import type { Credentials } from "./credentials.js";
import { AifirstError, type Answer } from "./errors.js";
import { verdict } from "./policy.js";
import type { Cursor } from "./scalars.js";
import type { Request, Transport } from "./transport.js";

/**
 * Comes last in a stream whose cursor is older than what the server keeps: load again what you show, and follow from the
 * cursor that came with it.
 */
export interface ResyncRequired {
  readonly __typename: "ResyncRequired";
}

/** How it is with a stream, to show beside what it tells. */
export type StreamStatus =
  | { readonly state: "connecting" }
  /** The server listens: what happens comes. */
  | { readonly state: "live" }
  /** It broke, and is tried again after a while. */
  | { readonly state: "waiting"; readonly delayMs: number; readonly error: AifirstError };

export interface FollowOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: StreamStatus) => void;
}

interface Event {
  readonly cursor: Cursor;
}

/**
 * The events after `variables.after`, in order, without gap or double, through broken lines, restarted servers and
 * replaced tokens, until the server completes or the signal fires. What cannot be mended is thrown.
 */
export async function* follow(
  transport: Transport,
  credentials: Credentials,
  backoff: Backoff,
  request: Request,
  { signal, onStatus }: FollowOptions = {},
): AsyncGenerator<Event | ResyncRequired, void, undefined> {
  // A signal of its own: the transport is to stop also where the reader does.
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  let after = request.variables["after"] as Cursor | undefined;
  let failures = 0;
  let forbidden = false;
  try {
    while (!stopped.signal.aborted) {
      onStatus?.({ state: "connecting" });
      let opened: number | undefined;
      let token: string | undefined;
      try {
        token = await credentials.current();
        let first = true;
        const variables = { ...request.variables, after };
        const answers = transport.stream({ ...request, variables }, token, stopped.signal, () => {
          opened = performance.now();
          onStatus?.({ state: "live" });
        });
        for await (const answer of answers) {
          const event = told(answer);
          failures = 0;
          forbidden = false;
          // Where the line was cut, the last one may come again.
          const again = first && event.cursor === after;
          first = false;
          if (again) continue;
          after = event.cursor;
          yield event;
        }
        return;
      } catch (cause) {
        if (stopped.signal.aborted) return;
        const error = cause instanceof AifirstError ? cause : new AifirstError("NETWORK", "the stream broke", { cause });
        let wanted = verdict(error);
        if (wanted === "token" && (token === undefined || (await credentials.other(token)) === undefined)) wanted = "fatal";
        if (wanted === "once" && forbidden) wanted = "fatal";
        if (wanted === "fatal") throw error;
        if (wanted === "resync") {
          yield { __typename: "ResyncRequired" };
          return;
        }
        forbidden ||= wanted === "once";
        // A line that held for long was good, though nothing came over it.
        const held = opened !== undefined && performance.now() - opened > backoff.capMs;
        failures = held ? 1 : failures + 1;
        // Another token, or what is left of a right, is worth trying at once.
        const atOnce = wanted !== "again" && failures === 1;
        const delayMs = atOnce ? 0 : Math.max(error.retryAfterMs ?? 0, delay(failures, backoff));
        onStatus?.({ state: "waiting", delayMs, error });
        await wait(delayMs, stopped.signal);
      }
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** The one field of a subscription. */
function told({ data, errors }: Answer): Event {
  const [event] = Object.values((data ?? {}) as Record<string, Event | null>);
  if (!event) throw AifirstError.of(errors ?? []);
  return event;
}
