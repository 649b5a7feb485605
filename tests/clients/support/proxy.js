// A line between client and server that breaks where a test wants it to.
import { once } from "node:events";
import net from "node:net";

export class Proxy {
  #server;
  #target;
  #sockets = new Set();
  #cut;
  #broken = false;
  /** Connections so far, and how many of them were cut. */
  connections = 0;
  cuts = 0;

  /** In front of the server at `url`; `proxy.url` is the same address through the proxy. */
  static async before(url) {
    const proxy = new Proxy();
    proxy.leadTo(url);
    proxy.#server = net.createServer((client) => proxy.#connect(client, net.connect(proxy.#target)));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    const through = new URL(url);
    through.port = proxy.#server.address().port;
    proxy.url = through.href;
    return proxy;
  }

  /** Where new connections go from now on. */
  leadTo(url) {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
  }

  get webSocketUrl() {
    return this.url.replace(/^http/, "ws");
  }

  /**
   * Breaks the line in the midst of the `count`th message from the server that has `marker` in it. With `stays` nobody
   * gets through until `mend` is called.
   */
  cutAt(marker, count, { stays = false } = {}) {
    this.#cut = { marker: Buffer.from(marker), left: count, stays };
  }

  mend() {
    this.#broken = false;
  }

  #connect(client, server) {
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A broken line is what this is for.
      socket.on("error", end).on("close", () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    if (this.#broken) return client.resetAndDestroy();
    this.connections += 1;
    client.pipe(server);
    server.on("data", (bytes) => {
      const until = this.#until(bytes);
      if (until === undefined) {
        client.write(bytes);
      } else {
        this.cuts += 1;
        client.write(bytes.subarray(0, until), () => client.resetAndDestroy());
        server.resetAndDestroy();
      }
    });
    server.on("end", () => client.end());
  }

  /** Where these bytes are to be cut. */
  #until(bytes) {
    for (let at = 0; this.#cut && (at = bytes.indexOf(this.#cut.marker, at)) >= 0; ) {
      at += this.#cut.marker.length;
      this.#cut.left -= 1;
      if (this.#cut.left === 0) {
        this.#broken = this.#cut.stays;
        this.#cut = undefined;
        return at;
      }
    }
    return undefined;
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
