// Random documents over a schema: valid ones, and mutations of them.
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  Lexer,
  Source,
  TokenKind,
  typeFromAST,
  parseType,
} from "graphql";

const MAX_DEPTH = 5;

/** One document that means to be valid. */
export class Writer {
  #schema;
  #dice;
  #variables = new Map();
  #fragments = [];
  #names = 0;

  constructor(schema, dice) {
    this.#schema = schema;
    this.#dice = dice;
  }

  document() {
    const dice = this.#dice;
    const kind = dice.pick(["query", "query", "query", "mutation", "subscription"]);
    const root = { query: this.#schema.getQueryType(), mutation: this.#schema.getMutationType(), subscription: this.#schema.getSubscriptionType() }[kind];
    const body = this.#set(root, 0, kind === "subscription" ? 1 : undefined);
    const variables = [...this.#variables].map(([name, { type, initial }]) => `$${name}: ${type}${initial === undefined ? "" : ` = ${initial}`}`);
    const head = variables.length > 0 ? `${kind} Q(${variables.join(", ")})` : dice.once(3) ? `${kind} Q` : kind;
    const operation = kind === "query" && head === "query" && dice.once(2) ? body : `${head} ${body}`;
    const definitions = [operation, ...this.#fragments];
    if (dice.once(20) && definitions[0].startsWith("query Q")) definitions.push("query Other { __typename }");
    return dice.once(5) ? definitions.reverse().join("\n") : definitions.join(" ");
  }

  #set(type, depth, count) {
    const dice = this.#dice;
    const size = count ?? 1 + dice.throw(depth > 2 ? 2 : 4);
    const selections = Array.from({ length: size }, () => this.#selection(type, depth, count !== undefined));
    return `{ ${selections.join(" ")} }`;
  }

  #selection(type, depth, alone) {
    const dice = this.#dice;
    if (isCompositeType(type) && dice.once(8) && depth < MAX_DEPTH) {
      const on = this.#overlapping(type);
      const count = alone ? 1 : undefined;
      if (dice.once(2)) return `... on ${on} ${this.#set(on, depth + 1, count)}`;
      if (dice.once(3)) return `...${alone ? "" : this.#directives()} ${this.#set(type, depth + 1, count)}`;
      const name = `F${this.#names++}`;
      this.#fragments.push(`fragment ${name} on ${on} ${this.#set(on, depth + 1, count)}`);
      return `...${name}`;
    }
    const fields = isAbstractType(type) && !type.getFields ? [] : Object.values(type.getFields());
    const leaves = fields.filter((field) => !isCompositeType(getNamedType(field.type)));
    const choice = depth >= MAX_DEPTH ? leaves : fields;
    if (choice.length === 0 || (!alone && dice.once(12))) return "__typename";
    return this.#field(dice.pick(choice), depth, alone);
  }

  #field(field, depth, alone) {
    const dice = this.#dice;
    const args = field.args.filter((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined ? true : dice.once(3));
    const text = args.map((arg) => `${arg.name}: ${this.#value(arg.type, 0, arg.defaultValue !== undefined)}`).join(", ");
    // With arguments it gets an alias of its own, so that no two fields conflict.
    const alias = text !== "" || dice.once(8) ? `a${this.#names++}: ` : "";
    const type = getNamedType(field.type);
    const below = isCompositeType(type) ? ` ${this.#set(type, depth + 1)}` : "";
    // Nullable and non-null, or other types, under one key would conflict: so composite fields have an alias, too.
    const key = below !== "" && alias === "" ? `a${this.#names++}: ` : alias;
    return `${key}${field.name}${text === "" ? "" : `(${text})`}${alone ? "" : this.#directives()}${below}`;
  }

  #directives() {
    const dice = this.#dice;
    if (!dice.once(12)) return "";
    const type = parseType("Boolean!");
    const value = dice.once(2) ? dice.pick(["true", "false"]) : this.#variable(typeFromAST(this.#schema, type), false);
    return ` @${dice.pick(["skip", "include"])}(if: ${value})`;
  }

  /** A type of which some object is one of `type`, too. */
  #overlapping(type) {
    if (isObjectType(type)) return this.#dice.pick([type, ...type.getInterfaces()]);
    return this.#dice.pick([type, ...this.#schema.getPossibleTypes(type)]);
  }

  #value(type, depth, hasDefault) {
    const dice = this.#dice;
    if (dice.once(6)) return this.#variable(type, hasDefault);
    if (isNonNullType(type)) return this.#literal(type.ofType, depth);
    return dice.once(8) ? "null" : this.#literal(type, depth);
  }

  #literal(type, depth) {
    const dice = this.#dice;
    if (isListType(type)) {
      if (dice.once(5)) return isNonNullType(type.ofType) ? this.#literal(type.ofType.ofType, depth) : this.#literal(type.ofType, depth);
      return `[${Array.from({ length: dice.throw(3) }, () => this.#value(type.ofType, depth + 1, false)).join(", ")}]`;
    }
    if (isEnumType(type)) return dice.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      if (type.isOneOf) {
        const field = dice.pick(fields);
        return `{${field.name}: ${this.#given(getNullableType(field.type), depth + 1)}}`;
      }
      const given = fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined ? true : depth < 3 && dice.once(3));
      return `{${given.map((field) => `${field.name}: ${this.#value(field.type, depth + 1, field.defaultValue !== undefined)}`).join(", ")}}`;
    }
    const any = ["1", "0", "-3", "true", '"x"', "null", "1.5", "[1]", "{a: 1}", "WORD"];
    const of = {
      Int: ["0", "1", "-1", "2147483647", "-2147483648"],
      Float: ["0", "1.5", "-2e3", "1E-2", "7"],
      String: ['"text"', '""', '"\\u00e9\\n"', '"""block"""', '"é😀"'],
      Boolean: ["true", "false"],
      ID: ['"ws_0"', "7", '""'],
    };
    return dice.pick(of[type.name] ?? any);
  }

  /** Custom scalars take null, too; a key of a oneOf does not. */
  #given(type, depth) {
    for (;;) {
      const literal = this.#literal(type, depth);
      if (literal !== "null") return literal;
    }
  }

  /** A variable of that type, or of one that may stand where it is wanted. */
  #variable(type, hasDefault) {
    const dice = this.#dice;
    for (const [name, variable] of this.#variables) {
      if (variable.type === String(type) && dice.once(2)) return `$${name}`;
    }
    const name = `v${this.#variables.size}`;
    let text = String(type);
    let initial;
    if (!isNonNullType(type) && dice.once(4)) text += "!";
    else if (isNonNullType(type) && (hasDefault || dice.once(4))) {
      text = String(type.ofType);
      if (!hasDefault || dice.once(2)) {
        // A default makes a nullable variable fit.
        initial = isInputObjectType(getNamedType(type)) ? undefined : this.#constant(type.ofType);
        if (initial === undefined && !hasDefault) text = String(type);
      }
    }
    this.#variables.set(name, { type: text, initial });
    return `$${name}`;
  }

  #constant(type) {
    if (isListType(type)) return "[]";
    return this.#literal(type, 9);
  }
}

/** Changes some tokens of a document: what comes of it is often, but not always, refused. */
export function mutated(document, words, dice) {
  const tokens = [];
  const lexer = new Lexer(new Source(document));
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    tokens.push(document.slice(token.start, token.end));
  }
  const changes = dice.once(3) ? 2 + dice.throw(2) : 1;
  for (let i = 0; i < changes && tokens.length > 0; i++) {
    const at = dice.throw(tokens.length);
    const other = dice.throw(tokens.length);
    switch (dice.throw(7)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, tokens[at]);
        break;
      case 2:
        [tokens[at], tokens[other]] = [tokens[other], tokens[at]];
        break;
      case 3:
        tokens[at] = tokens[other];
        break;
      case 4:
        tokens.splice(at, 0, dice.pick(words));
        break;
      default:
        tokens[at] = dice.pick(words);
    }
  }
  return tokens.join(" ");
}

/** What a mutation puts in: names of the schema, punctuation, and what is hard to read. */
export function wordsOf(schema) {
  const names = new Set();
  for (const type of Object.values(schema.getTypeMap())) {
    names.add(type.name);
    if (type.getFields) for (const field of Object.values(type.getFields())) {
      names.add(field.name);
      for (const argument of field.args ?? []) names.add(argument.name);
    }
    if (isEnumType(type)) for (const { name } of type.getValues()) names.add(name);
  }
  const marks = ["{", "}", "(", ")", "[", "]", "!", "$", ":", "=", "@", "|", "&", "...", ",", "#x\n"];
  const literals = ["1", "-1", "0", "00", "1.", "1.5", "1e5", "2147483648", "99999999999999999999", "-0", '""', '"x"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\u{1F600}"', '"\\ud800"', '"\\q"', '"""b"""', '"', '"""', "true", "false", "null"];
  const keywords = ["query", "mutation", "subscription", "fragment", "on", "type", "schema", "extend", "input", "__typename", "__schema", "__type", "name", "$v0", "$v1", "$x", "@skip", "@include", "@deprecated", "@oneOf", "@skip(if: true)", "@include(if: $v0)", "...F0", "...F1", "... on Query", "Q", "Other", "é", "\u{feff}", "\u{0}", "?", "1a", "a-b"];
  // As many of each sort as there are names, so that all have their turn.
  const list = [...names];
  const rest = [...marks, ...literals, ...keywords];
  return [...list, ...Array.from({ length: Math.ceil(list.length / rest.length) }, () => rest).flat()];
}
