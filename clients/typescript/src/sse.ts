// Subscriptions over Server-Sent Events, a request for each: for networks that let no WebSocket through.
import { authorization } from "./credentials.js";
import { AifirstError, type Answer } from "./errors.js";
import { refusal } from "./http.js";
import type { Request, Transport } from "./transport.js";

export class EventStreamTransport implements Transport {
  readonly #url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, fetchImpl: typeof fetch) {
    this.#url = url;
    this.#fetch = fetchImpl;
  }

  async *stream(request: Request, token: string, signal: AbortSignal, opened: () => void): AsyncGenerator<Answer, void, undefined> {
    try {
      const headers = { accept: "text/event-stream", authorization: authorization(token), "content-type": "application/json" };
      const response = await this.#fetch(this.#url, { method: "POST", headers, body: JSON.stringify(request), signal });
      if (!response.ok || !response.body) throw await refusal(response);
      opened();
      for await (const { event, data } of messages(response.body)) {
        if (event === "complete") return;
        if (event === "next") yield JSON.parse(data) as Answer;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof AifirstError ? error : new AifirstError("NETWORK", "the stream broke", { cause: error });
    }
    throw new AifirstError("NETWORK", "the stream broke off");
  }

  close(): void {}
}

/** The events of a stream: each ends with an empty line. What is left without one was cut off, and is none. */
async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: string }, void, undefined> {
  let rest = "";
  let event = "";
  let data: string[] = [];
  for await (const text of body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    const lines = (rest + text).split(/\r?\n/);
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
