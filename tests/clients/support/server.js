// The built server in a process of its own, in a temporary folder, on free ports.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The project's root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** How long a test waits for what must come: long, for machines are slow. */
export const PATIENCE_MS = 30_000;

const binary = process.env.AIFIRST_BINARY ?? path.join(root, "target/debug/aifirst");

/** What is set around the tests takes no part. */
function environment(settings) {
  const outside = Object.entries(process.env).filter(([name]) => !name.startsWith("AIFIRST_"));
  const own = Object.entries(settings).map(([name, value]) => [`AIFIRST_${name}`, String(value)]);
  return Object.fromEntries([...outside, ...own]);
}

export class Server {
  #settings;
  #folder;
  #process;
  #told;
  #ended;

  /** Until it answers. `settings` are variables without `AIFIRST_`. */
  static async start(settings = {}) {
    const server = new Server();
    server.#settings = {
      LISTEN: "127.0.0.1:0",
      ADMIN_LISTEN: "127.0.0.1:0",
      DATA_DIR: "data",
      // A server that stops cuts its sockets at once: what is told in a moment, such as the rest of a reply, comes after.
      HTTP__SOCKET__RESTART_SPREAD_MILLIS: "0",
      ...settings,
    };
    server.#folder = await mkdtemp(path.join(tmpdir(), "aifirst-clients-"));
    // Whatever ends this process, a test that hangs among it, ends the server and leaves nothing behind.
    process.once("exit", () => {
      server.#process.kill("SIGKILL");
      rmSync(server.#folder, { recursive: true, force: true });
    });
    for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) process.once(signal, () => process.exit(128 + number));
    await server.#serve();
    server.token = (await readFile(path.join(server.#folder, "data/dev-token"), "utf8")).trim();
    return server;
  }

  get authorization() {
    return `Bearer ${this.token}`;
  }

  /** Ended in order and started again on the same data; under another address. `meanwhile` is given the data's folder. */
  async restart(meanwhile = async () => {}) {
    await this.#end();
    await meanwhile(path.join(this.#folder, "data"));
    await this.#serve();
  }

  async stop() {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Another command beside the server, and what it prints. */
  async run(arguments_, settings = {}) {
    const env = environment({ ...this.#settings, ...settings });
    const { stdout } = await promisify(execFile)(binary, arguments_, { cwd: this.#folder, env });
    return stdout;
  }

  async #serve() {
    const env = environment(this.#settings);
    this.#told = { stdout: "", stderr: "" };
    this.#process = spawn(binary, ["serve"], { cwd: this.#folder, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#ended = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(error.message));
      this.#process.once("close", (code, signal) => resolve(code ?? signal));
    });
    this.url = await this.#address("GraphQL");
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

  /** As an operator stops it: it ends what it does, and with success. */
  async #end() {
    this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), PATIENCE_MS);
    const how = await this.#ended;
    clearTimeout(late);
    assert.equal(how, 0, `the server ended with ${how}: ${this.#told.stderr}`);
  }
}

/** One server for the tests of a file: there once they run. */
export function serverForTests(settings) {
  let running;
  before(async () => (running = await Server.start(settings)));
  after(async () => await running?.stop());
  return {
    get url() {
      return running.url;
    },
    get authorization() {
      return running.authorization;
    },
    restart: (meanwhile) => running.restart(meanwhile),
    run: (arguments_, settings) => running.run(arguments_, settings),
  };
}
