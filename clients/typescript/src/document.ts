/**
 * A document with the types of its answer and variables. The code generator's own (`TypedDocumentString`) fit too: so an
 * app brings its own operations.
 */
export interface Document<Result, Variables> {
  toString(): string;
  /** Never there at run time: it carries the types. */
  readonly __apiType?: (variables: Variables) => Result;
}

export class Operation<Result, Variables> implements Document<Result, Variables> {
  declare readonly __apiType?: (variables: Variables) => Result;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}
