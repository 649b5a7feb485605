// The built server in a process of its own, in a temporary folder, on free ports.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";

/** The project's root. */
export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../..");

/** How long a test waits for what must come: long, for machines are slow. */
export const PATIENCE_MS = 30_000;

const binary = process.env.AIFIRST_BINARY ?? path.join(root, "target/debug/aifirst");

export class Server {
  #process;
  #folder;
  #told = { stdout: "", stderr: "" };
  #ended;

  /** Until it answers. `settings` are variables without `AIFIRST_`. */
  static async start(settings = {}) {
    const server = new Server();
    server.#folder = await mkdtemp(path.join(tmpdir(), "aifirst-clients-"));
    const outside = Object.entries(process.env).filter(([name]) => !name.startsWith("AIFIRST_"));
    const own = { LISTEN: "127.0.0.1:0", ADMIN_LISTEN: "127.0.0.1:0", DATA_DIR: "data", ...settings };
    const env = Object.fromEntries([
      ...outside,
      ...Object.entries(own).map(([name, value]) => [`AIFIRST_${name}`, String(value)]),
    ]);
    server.#process = spawn(binary, ["serve"], { cwd: server.#folder, env, stdio: ["ignore", "pipe", "pipe"] });
    // Whatever ends this process, a test that hangs among it, ends the server.
    process.once("exit", () => server.#process.kill("SIGKILL"));
    for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) process.once(signal, () => process.exit(128 + number));
    server.#ended = new Promise((resolve) => {
      server.#process.once("error", (error) => resolve(error.message));
      server.#process.once("close", (code, signal) => resolve(code ?? signal));
    });
    server.url = await server.#address("GraphQL");
    server.token = (await readFile(path.join(server.#folder, "data/dev-token"), "utf8")).trim();
    return server;
  }

  /** The address in a line such as `GraphQL  http://…`. */
  async #address(name) {
    const line = new RegExp(`^${name}\\s+(\\S+)\n`, "m");
    return await new Promise((resolve, reject) => {
      this.#process.stderr.on("data", (text) => (this.#told.stderr += text));
      this.#process.stdout.on("data", (text) => {
        this.#told.stdout += text;
        const found = line.exec(this.#told.stdout);
        if (found) resolve(found[1]);
      });
      this.#ended.then((how) => reject(new Error(`the server ended (${how}): ${this.#told.stderr}`)));
    });
  }

  get authorization() {
    return `Bearer ${this.token}`;
  }

  /** As an operator stops it: it ends what it does, and with success. */
  async stop() {
    this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), PATIENCE_MS);
    const how = await this.#ended;
    clearTimeout(late);
    await rm(this.#folder, { recursive: true, force: true });
    assert.equal(how, 0, `the server ended with ${how}: ${this.#told.stderr}`);
  }
}

/** One server for the tests of a file: `server.url` is there once they run. */
export function serverForTests(settings) {
  const shared = {};
  before(async () => {
    shared.running = await Server.start(settings);
    shared.url = shared.running.url;
    shared.authorization = shared.running.authorization;
  });
  after(async () => await shared.running?.stop());
  return shared;
}
