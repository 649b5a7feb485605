import { type Backoff, defaultBackoff } from "./backoff.js";
import { Credentials, type Token } from "./credentials.js";
import type { Document } from "./document.js";
import { request } from "./http.js";
import type { Cursor } from "./scalars.js";
import { type EventStreamOptions, EventStreamTransport } from "./sse.js";
import { follow, type FollowOptions, type ResyncRequired } from "./stream.js";
import type { Transport } from "./transport.js";
import { WebSocketTransport, type WebSocketOptions } from "./websocket.js";

export interface ClientOptions extends WebSocketOptions, EventStreamOptions {
  /** Of the GraphQL endpoint: `https://…/graphql`. */
  readonly url: string;
  readonly token: Token;
  /** What subscriptions go over; `websocket` if nothing is said. */
  readonly streams?: "websocket" | "events";
  readonly fetch?: typeof fetch;
  /** Between attempts to take a stream up again. */
  readonly backoff?: Partial<Backoff>;
}

/** The type of what a subscription tells: that of its one field. */
export type EventOf<Result> = Result[keyof Result];

export interface Client {
  /** The data of a query or mutation; `AifirstError` says why there is none. */
  request<Result, Variables extends object>(
    document: Document<Result, Variables>,
    variables: Variables,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Result>;

  /**
   * The events of a subscription from `variables.after` on, in order, without gap or double, whatever happens to the line.
   * The document has to ask for each event's `cursor`. The last event is `ResyncRequired` where too much was missed. Ends
   * with the subscription or by the signal; throws what cannot be mended.
   */
  follow<Result extends { readonly [field in keyof Result]: { readonly cursor: Cursor } }, Variables extends { after?: Cursor | null | undefined }>(
    document: Document<Result, Variables>,
    variables: Variables,
    options?: FollowOptions,
  ): AsyncIterable<EventOf<Result> | ResyncRequired>;

  /** Ends the connection. */
  close(): void;
}

export function createClient(options: ClientOptions): Client {
  const { url, token, streams = "websocket", fetch: fetchImpl = fetch.bind(globalThis) } = options;
  const credentials = new Credentials(token);
  const backoff = { ...defaultBackoff, ...options.backoff };
  // Made for the first stream: who only asks needs no WebSocket.
  let transport: Transport | undefined;
  const open = () => (streams === "events" ? new EventStreamTransport(url, fetchImpl, options) : new WebSocketTransport(url, fetchImpl, options));
  return {
    async request<Result, Variables extends object>(
      document: Document<Result, Variables>,
      variables: Variables,
      { signal }: { readonly signal?: AbortSignal } = {},
    ) {
      const asked = { query: document.toString(), variables: variables as Record<string, unknown> };
      return (await request(fetchImpl, url, credentials, asked, signal)) as Result;
    },
    follow<Result, Variables extends object>(document: Document<Result, Variables>, variables: Variables, how?: FollowOptions) {
      const asked = { query: document.toString(), variables: variables as Record<string, unknown> };
      return follow((transport ??= open()), credentials, backoff, asked, how) as AsyncIterable<EventOf<Result> | ResyncRequired>;
    },
    close: () => transport?.close(),
  };
}
