// Subscriptions over one WebSocket that all of them share.
import { type Client, createClient } from "graphql-ws/client";
import { authorization } from "./credentials.js";
import { AifirstError, type Answer, type GraphQLAnswerError } from "./errors.js";
import { address, probe } from "./http.js";
import type { Request, Transport } from "./transport.js";

export interface WebSocketOptions {
  /** Where there is no global one, as in Node 20: that of the package `ws`. */
  readonly webSocketImpl?: unknown;
  /** How often to ask whether the server is still there; an answer may take as long. */
  readonly keepAliveMs?: number;
}

/** Sockets in a row that did not open where the same server answers requests: by then that is no moment of a restart. */
const UNOPENED = 5;

/** One socket, from the beginning on. */
interface Attempt {
  opened: boolean;
  /** What answered requests where it did not open: asked once, for all streams that wait for it. */
  heard?: Promise<AifirstError>;
}

export class WebSocketTransport implements Transport {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #patienceMs: number;
  readonly #client: Client;
  readonly #closed = new AbortController();
  #token = "";
  #connected = false;
  #attempt: Attempt = { opened: false };
  #unopened = 0;
  /** What wants to know when it is. */
  readonly #waiting = new Set<() => void>();

  constructor(url: string, fetchImpl: typeof fetch, { webSocketImpl, keepAliveMs = 15_000 }: WebSocketOptions) {
    this.#url = url;
    this.#fetch = fetchImpl;
    this.#patienceMs = keepAliveMs;
    let silent: ReturnType<typeof setTimeout> | undefined;
    this.#client = createClient({
      url: () => address(url).replace(/^http/, "ws"),
      webSocketImpl,
      connectionParams: () => ({ authorization: authorization(this.#token) }),
      // Who comes back comes back with the cursor, so the stream does that.
      retryAttempts: 0,
      keepAlive: keepAliveMs,
      on: {
        connecting: () => {
          this.#attempt = { opened: false };
        },
        opened: () => {
          this.#attempt.opened = true;
          this.#unopened = 0;
        },
        connected: () => {
          this.#connected = true;
          for (const opened of this.#waiting) opened();
          this.#waiting.clear();
        },
        ping: (received) => {
          if (!received) silent = setTimeout(() => this.#client.terminate(), keepAliveMs);
        },
        pong: (received) => {
          if (received) clearTimeout(silent);
        },
        closed: () => {
          this.#connected = false;
          clearTimeout(silent);
        },
      },
    });
  }

  async *stream(request: Request, token: string, signal: AbortSignal, opened: () => void): AsyncGenerator<Answer, void, undefined> {
    if (signal.aborted || this.#closed.signal.aborted) return;
    // The library would never tell of an address that is none.
    address(this.#url);
    this.#token = token;
    const answers = this.#client.iterate<unknown>(request);
    let stop = () => {};
    const stopped = new Promise<undefined>((resolve) => {
      stop = () => {
        void answers.return?.();
        resolve(undefined);
      };
    });
    signal.addEventListener("abort", stop);
    if (this.#connected) opened();
    else this.#waiting.add(opened);
    try {
      for await (const answer of answers) yield answer as Answer;
    } catch (error) {
      const attempt = this.#attempt;
      if (attempt.opened) throw broken(error);
      // Browsers do not tell why a socket did not open.
      attempt.heard ??= this.#hear(token, broken(error));
      const heard = await Promise.race([attempt.heard, stopped]);
      if (heard) throw heard;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(opened);
    }
  }

  /** Why no socket opens, by what the same address answers to a request. */
  async #hear(token: string, unopened: AifirstError): Promise<AifirstError> {
    const patience = new AbortController();
    const end = () => patience.abort();
    const timer = setTimeout(end, this.#patienceMs);
    this.#closed.signal.addEventListener("abort", end);
    try {
      await probe(this.#fetch, this.#url, token, patience.signal);
    } catch (error) {
      return error instanceof AifirstError && error.code !== "NETWORK" ? error : unopened;
    } finally {
      clearTimeout(timer);
      this.#closed.signal.removeEventListener("abort", end);
    }
    this.#unopened += 1;
    if (this.#unopened < UNOPENED) return unopened;
    this.#unopened = 0;
    const message = "the server answers requests, but no WebSocket opens: take `streams: \"events\"` where something in between lets none through";
    return new AifirstError("NO_WEBSOCKET", message, { cause: unopened });
  }

  close(): void {
    this.#closed.abort();
    // A socket that does not open ends by itself.
    Promise.resolve(this.#client.dispose()).catch(() => undefined);
  }
}

/** The library throws what ended the stream: a close event, an error of the socket, or the errors of the operation. */
function broken(error: unknown): AifirstError {
  if (Array.isArray(error)) return AifirstError.of(error as GraphQLAnswerError[]);
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "number") {
    const reason = "reason" in error && error.reason ? `: ${String(error.reason)}` : "";
    return new AifirstError("NETWORK", `the socket was closed with ${error.code}${reason}`, { closeCode: error.code, cause: error });
  }
  // What a socket throws is an event; an error is what the library makes of messages that are none.
  if (error instanceof Error) return new AifirstError("WRONG_ADDRESS", "what answers there does not speak graphql-transport-ws", { cause: error });
  return new AifirstError("NETWORK", "the socket broke", { cause: error });
}
