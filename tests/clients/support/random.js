// Randomness that can be repeated.
import { randomInt } from "node:crypto";

/** The same throws for the same seed, by mulberry32 (Tommy Ettinger, 2017). */
export class Dice {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** From 0, less than `sides`. */
  throw(sides) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296 * sides) | 0;
  }

  /** Once in so many times. */
  once(times) {
    return this.throw(times) === 0;
  }

  pick(list) {
    return list[this.throw(list.length)];
  }
}

/** Of AIFIRST_TEST_SEED, or a new one. */
export const seed = () => Number(process.env.AIFIRST_TEST_SEED ?? randomInt(2 ** 31));
