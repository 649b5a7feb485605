/**
 * A token, or what gives one: asked before each request and connection, so keep the token yourself. With `refused` the
 * server did not take that one (any more): give another.
 */
export type Token = string | ((refused: string | undefined) => string | Promise<string>);

export class Credentials {
  readonly #source: Token;

  constructor(source: Token) {
    this.#source = source;
  }

  async current(): Promise<string> {
    return await this.#ask(undefined);
  }

  /** Instead of one that the server refused; `undefined` where there is none. */
  async other(refused: string): Promise<string | undefined> {
    const token = await this.#ask(refused);
    return token === refused ? undefined : token;
  }

  async #ask(refused: string | undefined): Promise<string> {
    return typeof this.#source === "string" ? this.#source : await this.#source(refused);
  }
}

export const authorization = (token: string): string => `Bearer ${token}`;
