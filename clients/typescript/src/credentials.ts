import { AifirstError } from "./errors.js";

/**
 * A token, or what gives one. It is asked before each request and connection, so keep the token yourself; with `refused`
 * it is asked for another one than that.
 */
export type Token = string | ((refused: string | undefined) => string | Promise<string>);

export class Credentials {
  readonly #source: Token;
  #refused: string | undefined;

  constructor(source: Token) {
    this.#source = source;
  }

  async current(): Promise<string> {
    const token = typeof this.#source === "string" ? this.#source : await this.#source(this.#refused);
    // The server would refuse it for ever.
    if (token === this.#refused) throw new AifirstError("UNAUTHENTICATED", "the token was refused, and there is no other");
    return token;
  }

  refuse(token: string): void {
    this.#refused = token;
  }
}

export const authorization = (token: string): string => `Bearer ${token}`;
