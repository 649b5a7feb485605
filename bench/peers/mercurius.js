// Mercurius with its JIT, as its documentation recommends: nested fields by loaders, compiled after the first requests.
import Fastify from "fastify";
import mercurius from "mercurius";
import { authenticate, batch } from "./data.js";
import { listening, port, warm } from "./listen.js";
import { plain, resolveType, typeDefs } from "./schema.js";

// One call a field for all its parents; those of one field have the same arguments.
const all = (load) => ({
  loader: async (queries, { me }) => await load(queries, me),
  // What is loaded twice in a request is seldom the same: the cache costs more than it saves.
  opts: { cache: false },
});
const ids = (queries, of) => queries.map(({ obj }) => obj[of]);
const nodes = (lists) => lists.map((rows) => ({ nodes: rows }));

const loaders = {
  CoachingSession: {
    goal: all(async (queries, me) => {
      const wanted = [...new Set(ids(queries, "goal_id").filter(Boolean))];
      const found = new Map((await batch.goals(me, wanted)).map((goal, place) => [wanted[place], goal]));
      return ids(queries, "goal_id").map((id) => found.get(id) ?? null);
    }),
    messages: all(async (queries, me) => {
      const { first = 25, last } = queries[0].params;
      return nodes(await batch.messages(me, ids(queries, "id"), first, last));
    }),
  },
  Message: { citations: all((queries) => batch.citations(ids(queries, "id"))) },
  Run: {
    workflow: all(async (queries, me) => {
      const wanted = [...new Set(ids(queries, "workflow_id"))];
      const found = new Map((await batch.workflows(me, wanted)).map((row) => [row.id, row]));
      return ids(queries, "workflow_id").map((id) => found.get(id));
    }),
    steps: all(async (queries) => nodes(await batch.steps(ids(queries, "id"), queries[0].params.first ?? 25))),
  },
};

const app = Fastify();
app.register(mercurius, {
  schema: typeDefs.replace(/type Subscription.*\n/, ""),
  resolvers: { ...plain, Node: { resolveType } },
  loaders,
  jit: 1,
  context: async (request) => ({ me: await authenticate(request.headers.authorization) }),
});
await warm();
await app.listen({ host: "127.0.0.1", port });
listening(app.server.address());
