/** How long to wait between attempts. */
export interface Backoff {
  /** The first wait is at most so long, and each one twice the one before. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly capMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const defaultBackoff: Backoff = { baseMs: 250, capMs: 30_000, random: Math.random };

/**
 * The wait after so many failures in a row. Anything from nothing to the most there is: a crowd that lost one server does
 * not come back at once.
 */
export function delay(failures: number, { baseMs, capMs, random }: Backoff): number {
  // Beyond 2^30 the cap has long been reached.
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30)));
}

/** Ends early where the signal fires, and where a browser says that it is online again. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const browser = typeof window === "undefined" ? undefined : window;
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      browser?.removeEventListener("online", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    if (signal?.aborted) return over();
    signal?.addEventListener("abort", over);
    browser?.addEventListener("online", over);
  });
}
