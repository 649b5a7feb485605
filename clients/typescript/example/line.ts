// How it is with the connection, for all panels in one place.
import { AifirstError, type FollowOptions, type StreamStatus } from "aifirst-client";
import { fill } from "./dom.js";

export class Line {
  readonly #shown: HTMLElement;
  readonly #stop = new AbortController();

  constructor(shown: HTMLElement) {
    this.#shown = shown;
  }

  /** For each stream: it ends with the page's visit, and tells how it is. */
  options(): FollowOptions {
    return { signal: this.#stop.signal, onStatus: (status) => this.#tell(status) };
  }

  failed(error: unknown): void {
    this.#show("off", error instanceof AifirstError && error.code === "UNAUTHENTICATED" ? "Signed out" : `Stopped: ${error instanceof Error ? error.message : String(error)}`);
  }

  end(): void {
    this.#stop.abort();
    this.#show("off", "Not connected");
  }

  #tell(status: StreamStatus): void {
    if (status.state === "live") this.#show("live", "Live");
    else if (status.state === "connecting") this.#show("connecting", "Connecting …");
    else this.#show("waiting", `Lost the line, trying again ${soon(status.delayMs)}: nothing is missed`);
  }

  #show(state: string, text: string): void {
    this.#shown.dataset["state"] = state;
    fill(this.#shown, text);
  }
}

const soon = (ms: number): string => (ms < 1000 ? "in a moment" : `in ${Math.round(ms / 1000)} s`);
