import type { ErrorCode, ProblemFragment } from "./generated.js";

/** An error as an answer has it. */
export interface GraphQLAnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number; readonly requestId?: string };
}

/** What a GraphQL server answers. */
export interface Answer<Data = unknown> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLAnswerError[];
}

/**
 * `NETWORK`: no answer came, or one that a server in between gives for now. `WRONG_ADDRESS`: what answers there is no
 * GraphQL server. `NO_WEBSOCKET`: a GraphQL server answers there, but nothing opens a WebSocket of its protocol. Others may
 * come with newer servers: treat them as `INTERNAL`.
 */
export type Code = ErrorCode | "NETWORK" | "WRONG_ADDRESS" | "NO_WEBSOCKET" | (string & {});

/** Why a request or a stream failed. Decide by `code`, never by `message`. */
export class AifirstError extends Error {
  override readonly name = "AifirstError";
  readonly code: Code;
  /** How long to wait before it is worth trying again, where the server says so. */
  readonly retryAfterMs: number | undefined;
  /** What the server logged it under: name it when you report a problem. */
  readonly requestId: string | undefined;
  /** All errors of the answer; this one tells the first. */
  readonly errors: readonly GraphQLAnswerError[];
  /** What was answered all the same. */
  readonly data: unknown;
  /** How the socket was closed, where it was. */
  readonly closeCode: number | undefined;

  constructor(
    code: Code,
    message: string,
    more: Partial<Pick<AifirstError, "retryAfterMs" | "requestId" | "errors" | "data" | "closeCode" | "cause">> = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
    this.requestId = more.requestId;
    this.errors = more.errors ?? [];
    this.data = more.data;
    this.closeCode = more.closeCode;
  }

  /** Of an answer with errors. */
  static of(errors: readonly GraphQLAnswerError[], data?: unknown): AifirstError {
    const [first] = errors;
    const { code = "INTERNAL", retryAfterMs, requestId } = first?.extensions ?? {};
    return new AifirstError(code, first?.message ?? "the server gave no reason", { retryAfterMs, requestId, errors, data });
  }

  /** Whether the same again may succeed. A mutation is safe to repeat with its `idempotencyKey`. */
  get repeatable(): boolean {
    return ["NETWORK", "RATE_LIMITED", "TIMEOUT", "UNAVAILABLE"].includes(this.code);
  }
}

/** What a person can mend in what they put in: show each beside its field. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly problems: readonly ProblemFragment[];

  constructor(problems: readonly ProblemFragment[]) {
    super(problems.map(({ field, message }) => `${field}: ${message}`).join("; "));
    this.problems = problems;
  }
}

/** A payload in which nothing is missing, because nothing was to be mended. */
export type Done<Payload> = { readonly [Field in keyof Payload]: NonNullable<Payload[Field]> };

/** The payload of a mutation that was carried out; where it was not, `InputError` tells what to mend. */
export function done<Payload extends { readonly userErrors: readonly ProblemFragment[] }>(payload: Payload): Done<Payload> {
  if (payload.userErrors.length > 0) throw new InputError(payload.userErrors);
  return payload as Done<Payload>;
}
