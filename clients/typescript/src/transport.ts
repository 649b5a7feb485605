import type { Answer } from "./errors.js";

export interface Request {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A way to subscribe once. */
export interface Transport {
  /**
   * The answers until the server completes. What breaks it is thrown as an `AifirstError`. Ends quietly where the signal
   * fires. `opened` is called once the server has let the bearer in.
   */
  stream(request: Request, token: string, signal: AbortSignal, opened: () => void): AsyncIterable<Answer>;
  /** Leaves nothing open. */
  close(): void;
}
