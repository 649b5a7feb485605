// What to do about a stream that broke.
import { AifirstError } from "./errors.js";

/** Close codes after which the same again would end the same way: the client is wrong, not the moment. */
const FATAL_CLOSE_CODES = new Set([
  1002, 1003, 1007, 1008, 1009, 1010,
  // This client's own: a message that is none, an error of its own making.
  4004, 4005,
  // No message of the protocol; subscribed before connection_init; another protocol; an id twice; connection_init twice.
  4400, 4401, 4406, 4409, 4429,
]);

/** Codes of errors after which the same stream may go on from its cursor. */
const PASSING = new Set(["NETWORK", "RATE_LIMITED", "TIMEOUT", "UNAVAILABLE", "INTERNAL"]);

export type Verdict =
  /** Wait, then go on from the cursor. */
  | "again"
  /** Go on from the cursor once: what the bearer may do has changed, and what is left may be enough. */
  | "once"
  /** Go on from the cursor with another token. */
  | "token"
  /** What was missed is not kept any more: load again. */
  | "resync"
  /** Give up. */
  | "fatal";

export function verdict(error: AifirstError): Verdict {
  if (error.closeCode !== undefined) {
    if (error.closeCode === 4403) return "token";
    return FATAL_CLOSE_CODES.has(error.closeCode) ? "fatal" : "again";
  }
  if (error.code === "UNAUTHENTICATED") return "token";
  if (error.code === "RESYNC_REQUIRED") return "resync";
  if (error.code === "FORBIDDEN") return "once";
  return PASSING.has(error.code) ? "again" : "fatal";
}
