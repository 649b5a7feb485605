import { type Backoff, defaultBackoff, delay, wait } from "./backoff.js";
import { AifirstError } from "./errors.js";

export interface RetryOptions extends Partial<Backoff> {
  /** In all; 5 if nothing is said. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
}

/**
 * Tries again what failed for now: no network, too many requests, a server that cannot answer. It waits as long as the
 * server says, or longer and longer. Give a mutation an `idempotencyKey` first (`withKey`): an answer may have been lost
 * after the work was done.
 */
export async function retry<Result>(attempt: () => Promise<Result>, options: RetryOptions = {}): Promise<Result> {
  const { attempts = 5, signal, ...rest } = options;
  const backoff = { ...defaultBackoff, ...rest };
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AifirstError) || !error.repeatable || failures >= attempts) throw error;
      await wait(Math.max(error.retryAfterMs ?? 0, delay(failures, backoff)), signal);
      signal?.throwIfAborted();
    }
  }
}

/** An input with a key of its own: sent again, it gives the first answer again instead of a second thing, for 24 hours. */
export function withKey<Input extends object>(input: Input): Input & { readonly idempotencyKey: string } {
  return { ...input, idempotencyKey: crypto.randomUUID() };
}
