// Subscriptions over Server-Sent Events, a request for each: for networks that let no WebSocket through.
import { authorization } from "./credentials.js";
import { AifirstError, type Answer } from "./errors.js";
import { address, refusal } from "./http.js";
import type { Request, Transport } from "./transport.js";

export interface EventStreamOptions {
  /** A stream that says nothing for so long is taken up again: two signs of life of the server, and a little. */
  readonly silenceMs?: number;
}

/** Waits for something of the server, but not for ever. */
type Hear = <Heard>(something: Promise<Heard>) => Promise<Heard>;

export class EventStreamTransport implements Transport {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #silenceMs: number;
  readonly #closed = new AbortController();

  constructor(url: string, fetchImpl: typeof fetch, { silenceMs = 25_000 }: EventStreamOptions = {}) {
    this.#url = url;
    this.#fetch = fetchImpl;
    this.#silenceMs = silenceMs;
  }

  async *stream(request: Request, token: string, signal: AbortSignal, opened: () => void): AsyncGenerator<Answer, void, undefined> {
    const ends = [signal, this.#closed.signal];
    const isEnded = () => ends.some(({ aborted }) => aborted);
    if (isEnded()) return;
    const line = new AbortController();
    const end = () => line.abort();
    for (const one of ends) one.addEventListener("abort", end);
    // A line that was lost without a word looks like one on which nothing happens, but for the signs of life.
    const silent = () => line.abort(new AifirstError("NETWORK", `the server said nothing for ${this.#silenceMs} ms`));
    const hear: Hear = async (something) => {
      const timer = setTimeout(silent, this.#silenceMs);
      try {
        return await something;
      } finally {
        clearTimeout(timer);
      }
    };
    try {
      const headers = { accept: "text/event-stream", authorization: authorization(token), "content-type": "application/json" };
      const asked = { method: "POST", headers, body: JSON.stringify(request), signal: line.signal };
      const response = await hear(this.#fetch(address(this.#url), asked));
      if (!isEventStream(response) || !response.body) throw await hear(refusal(response));
      opened();
      for await (const { event, data } of messages(response.body, hear)) {
        if (event === "complete") return;
        if (event === "next") yield JSON.parse(data) as Answer;
      }
    } catch (error) {
      if (isEnded()) return;
      throw error instanceof AifirstError ? error : new AifirstError("NETWORK", "the stream broke", { cause: error });
    } finally {
      for (const one of ends) one.removeEventListener("abort", end);
      end();
    }
    throw new AifirstError("NETWORK", "the stream broke off");
  }

  close(): void {
    this.#closed.abort();
  }
}

const isEventStream = ({ ok, headers }: Response): boolean => ok && (headers.get("content-type") ?? "").startsWith("text/event-stream");

/** The events of a stream: each ends with an empty line. What is left without one was cut off, and is none. */
async function* messages(body: ReadableStream<Uint8Array>, hear: Hear): AsyncGenerator<{ event: string; data: string }, void, undefined> {
  // Not every browser can iterate over a stream.
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  for (;;) {
    const { done, value } = await hear(reader.read());
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (event || data.length > 0) yield { event, data: data.join("\n") };
        event = "";
        data = [];
      } else if (line.startsWith("event:")) {
        event = line.slice("event:".length).trim();
      } else if (line.startsWith("data:")) {
        data.push(line.slice("data:".length).replace(/^ /, ""));
      }
    }
  }
}
