// PostGraphile 5: the Amber preset on the product's own tables, which makes its schema of them. Smart tags name the relation
// that has no foreign key; what the tables do not say (ids as the product shows them, who sees a memory, a month's usage,
// sending) is added by extendSchema, as its documentation has it. Its documents are in bench/harness/postgraphile.json.
import "./polyfill.js";
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { TYPES, loadOneWithPgClient, sideEffectWithPgClientTransaction } from "postgraphile/@dataplan/pg";
import { connection, context, lambda, object } from "postgraphile/grafast";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { extendSchema, gql, jsonPgSmartTags } from "postgraphile/utils";
import { PgSimplifyInflectionPreset } from "@graphile/simplify-inflection";
import { authenticate, pool, sendWith, shown, usageOf } from "./data.js";
import { listening, port, warm } from "./listen.js";

const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      coaching_session: { tags: { foreignKey: "(goal_id) references goal (id)" } },
      citation: { tags: { behavior: "+list -connection" } },
    },
  },
});

const PREFIXES = { CoachingSession: "cs", Goal: "goal", Memory: "mem", Message: "msg", Run: "run", Workflow: "wf" };
const TIMED = ["CoachingSession", "Memory", "Message"];

const added = extendSchema((build) => {
  const { memory, run } = build.pgResources;
  const { executor } = memory;
  const { sql } = build;
  const me = () => context().get("me");
  const shownId = (prefix) => ($row) => lambda($row.get("id"), (id) => shown(prefix, id), true);
  const shownTime = ($row) => lambda($row.get("created_at"), (at) => new Date(at).toISOString(), true);
  const plans = Object.fromEntries(
    Object.entries(PREFIXES).map(([type, prefix]) => [
      type,
      { plans: { shownId: shownId(prefix), ...(TIMED.includes(type) && { shownAt: shownTime }) } },
    ]),
  );
  return {
    typeDefs: gql`
      ${Object.keys(PREFIXES).map((type) => `extend type ${type} { shownId: ID! ${TIMED.includes(type) ? "shownAt: String!" : ""} }`).join("\n")}
      extend type Citation { start: Int! end: Int! }
      type Viewer { id: ID! }
      extend type Query { viewer: Viewer }
      type Money { amount: String! currency: String! }
      type Usage { calls: Int! inputTokens: Int! outputTokens: Int! cost: Money! }
      extend type Workspace {
        openRuns: RunConnection
        visibleMemories: MemoryConnection
        usage: Usage
      }
      type SentMessage { id: ID! role: String! text: String! status: String! }
      type SentTurn { id: ID! status: String! }
      type SendError { code: String! field: String message: String! }
      type SendPayload { message: SentMessage turn: SentTurn userErrors: [SendError!]! }
      extend type Mutation { sendMessage(session: UUID!, text: String!): SendPayload }
    `,
    objects: {
      ...plans,
      Citation: {
        plans: {
          start: ($row) => lambda($row.get("start_offset"), Number, true),
          end: ($row) => lambda($row.get("end_offset"), Number, true),
        },
      },
      Query: { plans: { viewer: () => object({ id: lambda(me(), (me) => shown("user", me.user), true) }) } },
      Workspace: {
        plans: {
          openRuns($workspace) {
            const $runs = run.find({ workspace_id: $workspace.get("id") });
            $runs.where(sql`${$runs}.status IN ('RUNNING', 'WAITING')`);
            return connection($runs);
          },
          visibleMemories($workspace) {
            const $memories = memory.find({ workspace_id: $workspace.get("id") });
            const $user = lambda(me(), (me) => me.user, true);
            $memories.where(sql`(${$memories}.user_id IS NULL OR ${$memories}.user_id = ${$memories.placeholder($user, TYPES.uuid)})`);
            return connection($memories);
          },
          usage($workspace) {
            const $asked = object({ workspace: $workspace.get("id"), me: me() });
            return loadOneWithPgClient(executor, $asked, async (client, lookups) =>
              Promise.all(lookups.map((asked) => usage(client, asked))));
          },
        },
      },
      Mutation: {
        plans: {
          sendMessage: (_, { $session, $text }) =>
            sideEffectWithPgClientTransaction(executor, object({ session: $session, text: $text, me: me() }), send),
        },
      },
    },
  };
});

async function usage(client, { workspace, me }) {
  const now = new Date();
  const since = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const all = ["OWNER", "ADMIN"].includes(me.roles.get(workspace));
  const { rows } = await client.query({
    name: "usage",
    text: `SELECT currency, count(*) AS calls, sum(input_tokens)::bigint AS input, sum(output_tokens)::bigint AS output,
      sum(cost)::bigint AS cost FROM llm_call
      WHERE workspace_id = $1 AND started_at >= $2 AND ($3 OR (principal_id = $4 AND NOT is_service)) GROUP BY currency`,
    values: [workspace, since, all, me.user],
  });
  return usageOf(rows);
}

async function send(client, { session, text, me }) {
  const sent = await sendWith(async (name, sql, values) => (await client.query({ name, text: sql, values })).rows, me, session, text);
  return {
    ...sent,
    message: { ...sent.message, id: shown("msg", sent.message.id) },
    turn: { ...sent.turn, id: shown("turn", sent.turn.id) },
  };
}

const preset = {
  extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
  plugins: [tags, added],
  // Lists are ordered by columns that stand in an index, but behind the workspace's.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  schema: { defaultBehavior: "+connection +resource:list" },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: {
    explain: false,
    context: async (request) => ({ me: await authenticate(request.node?.req.headers.authorization) }),
  },
};

const instance = postgraphile(preset);
if (process.argv[2] === "schema") {
  const { printSchema } = await import("postgraphile/graphql");
  console.log(printSchema((await instance.getSchemaResult()).schema));
  process.exit(0);
}
const server = createServer();
await instance.createServ(grafserv).addTo(server);
await warm();
server.listen(port, "127.0.0.1", () => listening(server.address()));
