// Subscriptions over one WebSocket that all of them share.
import { type Client, createClient } from "graphql-ws/client";
import { authorization } from "./credentials.js";
import { AifirstError, type Answer, type GraphQLAnswerError } from "./errors.js";
import type { Request, Transport } from "./transport.js";

export interface WebSocketOptions {
  /** Where there is no global one, as in Node 20: that of the package `ws`. */
  readonly webSocketImpl?: unknown;
  /** How often to ask whether the server is still there; an answer may take as long. */
  readonly keepAliveMs?: number;
}

export class WebSocketTransport implements Transport {
  readonly #client: Client;
  #token = "";
  #connected = false;
  /** What wants to know when it is. */
  readonly #waiting = new Set<() => void>();

  constructor(url: string, { webSocketImpl, keepAliveMs = 15_000 }: WebSocketOptions) {
    let silent: ReturnType<typeof setTimeout> | undefined;
    this.#client = createClient({
      url: url.replace(/^http/, "ws"),
      webSocketImpl,
      connectionParams: () => ({ authorization: authorization(this.#token) }),
      // Who comes back comes back with the cursor, so the stream does that.
      retryAttempts: 0,
      keepAlive: keepAliveMs,
      on: {
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
    if (signal.aborted) return;
    this.#token = token;
    const answers = this.#client.iterate<unknown>(request);
    const stop = () => void answers.return?.();
    signal.addEventListener("abort", stop);
    if (this.#connected) opened();
    else this.#waiting.add(opened);
    try {
      for await (const answer of answers) yield answer as Answer;
    } catch (error) {
      throw broken(error);
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(opened);
    }
  }

  close(): void {
    void this.#client.dispose();
  }
}

/** The library throws what ended the stream: a close event, an error of the socket, or the errors of the operation. */
function broken(error: unknown): AifirstError {
  if (Array.isArray(error)) return AifirstError.of(error as GraphQLAnswerError[]);
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "number") {
    const reason = "reason" in error && error.reason ? `: ${String(error.reason)}` : "";
    return new AifirstError("NETWORK", `the socket was closed with ${error.code}${reason}`, { closeCode: error.code, cause: error });
  }
  return new AifirstError("NETWORK", "the socket broke", { cause: error });
}
