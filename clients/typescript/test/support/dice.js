// Randomness that can be repeated: a failure tells its seed.
import { randomInt } from "node:crypto";

/** The same throws for the same seed, by mulberry32. */
export class Dice {
  #state;

  constructor(seed) {
    this.#state = seed;
  }

  /** From 0, less than `sides`. */
  throw(sides) {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  pick(list) {
    return list[this.throw(list.length)];
  }
}

/** Plays a round with a seed of its own, or that of AIFIRST_TEST_SEED. */
export async function withSeed(round) {
  const seed = Number(process.env.AIFIRST_TEST_SEED ?? randomInt(2 ** 32 - 1));
  try {
    await round(new Dice(seed));
  } catch (error) {
    console.error(`the same again: AIFIRST_TEST_SEED=${seed}`);
    throw error;
  }
}
