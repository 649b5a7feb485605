// How a peer is started and stopped: it prints its address, and ends at SIGTERM.
import { pool } from "./data.js";

export const port = Number(process.env.PORT ?? 0);

export function listening(address, ...more) {
  console.log(`listening 127.0.0.1:${address.port}`, ...more);
  process.on("SIGTERM", () => process.exit(0));
}

/** All connections are there before the first request. */
export async function warm() {
  await Promise.all(Array.from({ length: 16 }, () => pool.query("SELECT 1")));
}
