// What the peers share: the pool, ids as the product shows them, who asks, and the statements. Statements have names, so
// that PostgreSQL prepares them once a connection.
import { createHash } from "node:crypto";
import DataLoader from "dataloader";
import pg from "pg";

// Counts and sums come as numbers: none of them is beyond what a double holds exactly.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16, min: 16, idleTimeoutMillis: 0 });

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** `run_01j…`: the UUID in 26 digits of Crockford's base 32. */
export function shown(prefix, uuid) {
  // A digit of zeros before the 128 bits makes 26 digits of five bits.
  const hex = `0${uuid.replaceAll("-", "")}`;
  const bits = (from) => parseInt(hex.slice(from, from + 5), 16);
  let text = "";
  // The first digit holds three bits: 33 hexadecimal digits are 132 bits, of which two are dropped.
  let rest = parseInt(hex.slice(0, 3), 16);
  text += DIGITS[(rest >> 5) & 31] + DIGITS[rest & 31];
  for (let at = 3; at < 33; at += 5) {
    const value = bits(at);
    text += DIGITS[value >> 15] + DIGITS[(value >> 10) & 31] + DIGITS[(value >> 5) & 31] + DIGITS[value & 31];
  }
  return `${prefix}_${text}`;
}

export function uuidOf(digits) {
  let bits = 0n;
  for (const digit of digits) bits = (bits << 5n) | BigInt(DIGITS.indexOf(digit));
  const hex = bits.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function split(id) {
  const at = id.lastIndexOf("_");
  return [id.slice(0, at), uuidOf(id.slice(at + 1))];
}

const rows = async (client, name, text, values) => (await client.query({ name, text, values })).rows;

const BEARER = `SELECT k.user_id, m.workspace_id, m.role FROM api_key k LEFT JOIN membership m ON m.user_id = k.user_id
  WHERE k.id = $1 AND k.secret_hash = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())`;

/** Who asks, with a role for each workspace. */
export async function authenticate(authorization) {
  const token = authorization?.replace("Bearer ", "") ?? "";
  const hash = createHash("sha256").update(token).digest();
  const found = await rows(pool, "bearer", BEARER, [uuidOf(token.slice(4, 30)), hash]);
  if (found.length === 0) throw new Error("UNAUTHENTICATED");
  const roles = new Map(found.map((row) => [row.workspace_id, row.role]));
  return { user: found[0].user_id, key: uuidOf(token.slice(4, 30)), roles, workspaces: [...roles.keys()] };
}

const grouped = (keys, of, found) => {
  const groups = new Map(keys.map((key) => [key, []]));
  for (const row of found) groups.get(row[of]).push(row);
  return keys.map((key) => groups.get(key));
};

const byId = (keys, found) => {
  const map = new Map(found.map((row) => [row.id, row]));
  return keys.map((key) => map.get(key) ?? null);
};

/** What is loaded for many parents at once. */
export const batch = {
  messages: async (me, ids, first, last) =>
    grouped(ids, "session_id", await rows(pool, last ? "last" : "first", `
      SELECT m.* FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
        SELECT id, session_id, role, text, created_at, position FROM message
        WHERE session_id = s.id AND owner_id = $2 ORDER BY position ${last ? "DESC" : "ASC"} LIMIT $3) m
      ORDER BY m.position`, [ids, me.user, last ?? first])),
  citations: async (ids) =>
    grouped(ids, "message_id", await rows(pool, "citations",
      `SELECT message_id, quote, start_offset AS start, end_offset AS "end" FROM citation
       WHERE message_id = ANY($1) ORDER BY message_id, place`, [ids])),
  goals: async (me, ids) =>
    byId(ids, await rows(pool, "goals", "SELECT id, title, progress FROM goal WHERE id = ANY($1) AND owner_id = $2", [ids, me.user])),
  workflows: async (me, ids) =>
    byId(ids, await rows(pool, "workflows", "SELECT id, name FROM workflow WHERE id = ANY($1) AND workspace_id = ANY($2)",
      [ids, me.workspaces])),
  steps: async (ids, first) =>
    grouped(ids, "run_id", await rows(pool, "steps", `
      SELECT t.* FROM unnest($1::uuid[]) AS r(id) CROSS JOIN LATERAL (
        SELECT run_id, key, status, place FROM step_run WHERE run_id = r.id ORDER BY place LIMIT $2) t
      ORDER BY t.place`, [ids, first])),
};

export const find = {
  memory: async (me, id) =>
    (await rows(pool, "memory", `SELECT id, text, kind, created_at FROM memory
       WHERE id = $1 AND workspace_id = ANY($2) AND (user_id IS NULL OR user_id = $3)`, [id, me.workspaces, me.user]))[0],
  sessions: async (me, workspace, byUpdate, first) => {
    const order = byUpdate ? "updated_at" : "created_at";
    return await rows(pool, `sessions ${order}`, `SELECT id, topic, status, goal_id, created_at FROM coaching_session
      WHERE workspace_id = $1 AND owner_id = $2 ORDER BY ${order} DESC, id DESC LIMIT $3`, [workspace, me.user, first]);
  },
  runs: async (workspace, status, first) =>
    await rows(pool, "runs", `SELECT id, status, workflow_id FROM run WHERE workspace_id = $1 AND status = ANY($2)
      ORDER BY created_at DESC, id DESC LIMIT $3`, [workspace, status, first]),
  countRuns: async (workspace, status) =>
    (await rows(pool, "count runs", "SELECT count(*) FROM run WHERE workspace_id = $1 AND status = ANY($2)", [workspace, status]))[0].count,
  memories: async (me, workspace, first) =>
    await rows(pool, "memories", `SELECT id, text, kind, created_at FROM memory
      WHERE workspace_id = $1 AND (user_id IS NULL OR user_id = $2) ORDER BY created_at DESC, id DESC LIMIT $3`,
      [workspace, me.user, first]),
  usage: async (me, workspace) => {
    const now = new Date();
    const since = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    const all = ["OWNER", "ADMIN"].includes(me.roles.get(workspace));
    const found = await rows(pool, "usage", `
      SELECT currency, count(*) AS calls, sum(input_tokens)::bigint AS input, sum(output_tokens)::bigint AS output,
        sum(cost)::bigint AS cost FROM llm_call
      WHERE workspace_id = $1 AND started_at >= $2 AND ($3 OR (principal_id = $4 AND NOT is_service)) GROUP BY currency`,
      [workspace, since, all, me.user]);
    return usageOf(found);
  },
};

/** Of one row a currency; the cost is told in that in which most was spent. */
export function usageOf(found) {
  const sum = (of) => found.reduce((sum, row) => sum + Number(row[of]), 0);
  const most = found.reduce((most, row) => (row.currency && Number(row.cost) > most.cost ? { ...row, cost: Number(row.cost) } : most),
    { currency: "USD", cost: 0 });
  const whole = Math.floor(most.cost / 1e9);
  const rest = String(most.cost % 1e9).padStart(9, "0").replace(/0+$/, "");
  return { calls: sum("calls"), inputTokens: sum("input"), outputTokens: sum("output"),
    cost: { amount: rest ? `${whole}.${rest}` : `${whole}`, currency: most.currency } };
}

/** UUIDv7, as the product's. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Date.now().toString(16).padStart(12, "0");
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const tail = Buffer.from(bytes.subarray(6)).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
}

/** A message, its turn and the event of it, in one transaction. */
export async function sendMessage(me, session, text) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const sent = await sendWith((name, sql, values) => rows(client, name, sql, values), me, session, text);
    await client.query("COMMIT");
    return sent;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

export async function sendWith(run, me, session, text) {
  const [message, turn, now] = [newId(), newId(), new Date()];
  const [locked] = await run("lock session", `UPDATE coaching_session SET messages = messages + 1, turns = turns + 1, updated_at = $3
    WHERE id = $1 AND owner_id = $2 RETURNING workspace_id, status, messages, turns`, [session, me.user, now]);
  if (!locked || locked.status === "ENDED") throw new Error("NOT_FOUND");
  const [open] = await run("open turns",
    "SELECT count(*) FROM turn WHERE session_id = $1 AND status IN ('QUEUED', 'RUNNING')", [session]);
  if (Number(open.count) >= 20) throw new Error("LIMIT_REACHED");
  const workspace = locked.workspace_id;
  await run("insert message", `INSERT INTO message (id, workspace_id, owner_id, session_id, turn_id, turn_number, position, role,
    text, status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'USER', $8, 'COMPLETED', $9)`,
    [message, workspace, me.user, session, turn, locked.turns, locked.messages, text, now]);
  await run("insert turn", `INSERT INTO turn (id, workspace_id, owner_id, session_id, number, status, message_id, fence,
    interrupt_requested, api_key_id, created_at) VALUES ($1, $2, $3, $4, $5, 'QUEUED', $6, 0, false, $7, $8)`,
    [turn, workspace, me.user, session, locked.turns, message, me.key, now]);
  const [head] = await run("advance",
    "UPDATE event_head SET position = position + 1 WHERE workspace_id = $1 RETURNING position", [workspace]);
  const data = { turn: shown("turn", turn), status: "QUEUED", message: shown("msg", message), reply: null, started_at: null,
    finished_at: null, reason: null };
  await run("insert event", `INSERT INTO event (workspace_id, position, kind, subject_id, owner_id, data, at)
    VALUES ($1, $2, 'TURN_QUEUED', $3, $4, $5, $6)`, [workspace, head.position, session, me.user, JSON.stringify(data), now]);
  return { message: { id: message, role: "USER", text, status: "COMPLETED" }, turn: { id: turn, status: "QUEUED" }, userErrors: [] };
}

/** The loaders of one request. */
export function loadersOf(me) {
  const paged = (load) => {
    const loaders = new Map();
    return (id, page) => {
      const key = JSON.stringify(page);
      if (!loaders.has(key)) loaders.set(key, new DataLoader((ids) => load(ids, page)));
      return loaders.get(key).load(id);
    };
  };
  const citations = new DataLoader((ids) => batch.citations(ids));
  const goals = new DataLoader((ids) => batch.goals(me, ids));
  const workflows = new DataLoader((ids) => batch.workflows(me, ids));
  return {
    messages: paged((ids, { first, last }) => batch.messages(me, ids, first, last)),
    steps: paged((ids, { first }) => batch.steps(ids, first)),
    citations: (id) => citations.load(id),
    goals: (id) => goals.load(id),
    workflows: (id) => workflows.load(id),
  };
}
