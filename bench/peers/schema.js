// The part of the product's schema that is measured, and its resolvers. Apollo Server and Yoga take both; Mercurius takes
// those of nested fields as loaders of its own instead.
import { find, sendMessage, shown, split } from "./data.js";

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  scalar Decimal
  scalar Cursor
  interface Node { id: ID! }
  type Query { node(id: ID!): Node viewer: User workspace(id: ID!): Workspace }
  type Mutation { sendMessage(input: SendMessageInput!): SendMessagePayload! }
  type Subscription { coachingEvents(sessionId: ID!): TurnDelta! }
  type User { id: ID! }
  type Workspace {
    coachingSessions(first: Int, orderBy: CoachingSessionOrder): CoachingSessionConnection!
    runs(first: Int, filter: RunFilter): RunConnection!
    memories(first: Int): MemoryConnection!
    usage(period: UsagePeriod!): Usage!
  }
  enum CoachingSessionOrderField { CREATED_AT UPDATED_AT }
  enum OrderDirection { ASC DESC }
  enum RunStatus { QUEUED RUNNING WAITING COMPLETED FAILED CANCELLED }
  enum UsagePeriod { DAY MONTH }
  input CoachingSessionOrder { field: CoachingSessionOrderField! direction: OrderDirection! }
  input RunFilter { status: [RunStatus!] }
  type CoachingSessionConnection { nodes: [CoachingSession!]! }
  type CoachingSession implements Node {
    id: ID! topic: String status: String! createdAt: DateTime! goal: Goal messages(first: Int, last: Int): MessageConnection!
  }
  type MessageConnection { nodes: [Message!]! }
  type Message implements Node { id: ID! role: String! text: String! status: String! createdAt: DateTime! citations: [Citation!]! }
  type Citation { quote: String! start: Int! end: Int! }
  type Goal implements Node { id: ID! title: String! progress: Float! }
  type RunConnection { totalCount: Int! nodes: [Run!]! }
  type Run implements Node { id: ID! status: String! workflow: Workflow! steps(first: Int): StepRunConnection! }
  type Workflow implements Node { id: ID! name: String! }
  type StepRunConnection { nodes: [StepRun!]! }
  type StepRun { key: String! status: String! }
  type MemoryConnection { nodes: [Memory!]! }
  type Memory implements Node { id: ID! text: String! kind: String! createdAt: DateTime! }
  type Usage { calls: Int! inputTokens: Int! outputTokens: Int! cost: Money! }
  type Money { amount: Decimal! currency: String! }
  input SendMessageInput { sessionId: ID! text: String! }
  type SendMessagePayload { message: Message turn: Turn userErrors: [UserError!]! }
  type Turn implements Node { id: ID! status: String! }
  type UserError { code: String! field: String message: String! }
  type TurnDelta { cursor: Cursor! at: DateTime! turn: Turn! text: String! offset: Int! }
`;

const id = (prefix) => (row) => shown(prefix, row.id);
const createdAt = (row) => row.created_at.toISOString();

export const plain = {
  Query: {
    node: async (_, { id }, { me }) => {
      const [prefix, uuid] = split(id);
      return prefix === "mem" ? await find.memory(me, uuid) : null;
    },
    viewer: (_, __, { me }) => ({ id: me.user }),
    workspace: (_, { id }, { me }) => {
      const [, uuid] = split(id);
      return me.roles.has(uuid) ? { id: uuid } : null;
    },
  },
  Mutation: {
    sendMessage: (_, { input }, { me }) => sendMessage(me, split(input.sessionId)[1], input.text),
  },
  User: { id: id("user") },
  Workspace: {
    coachingSessions: async (workspace, { first = 25, orderBy }, { me }) => ({
      nodes: await find.sessions(me, workspace.id, orderBy?.field === "UPDATED_AT", first),
    }),
    // Rows and count are each asked for where they are selected.
    runs: (workspace, { first = 25, filter }) => ({ workspace, first, status: filter?.status }),
    memories: async (workspace, { first = 25 }, { me }) => ({ nodes: await find.memories(me, workspace.id, first) }),
    usage: (workspace, _, { me }) => find.usage(me, workspace.id),
  },
  RunConnection: {
    totalCount: ({ workspace, status }) => find.countRuns(workspace.id, status),
    nodes: ({ workspace, status, first }) => find.runs(workspace.id, status, first),
  },
  CoachingSession: { id: id("cs"), createdAt },
  Message: { id: id("msg"), createdAt },
  Goal: { id: id("goal") },
  Run: { id: id("run") },
  Workflow: { id: id("wf") },
  Memory: { id: id("mem"), createdAt },
  Turn: { id: id("turn") },
};

/** As a type is found for what `node` gives: only memories are asked for. */
export const resolveType = () => "Memory";

export const nested = {
  CoachingSession: {
    goal: (session, _, { load }) => session.goal_id && load.goals(session.goal_id),
    messages: async (session, { first = 25, last }, { load }) => ({ nodes: await load.messages(session.id, { first, last }) }),
  },
  Message: { citations: (message, _, { load }) => load.citations(message.id) },
  Run: {
    workflow: (run, _, { load }) => load.workflows(run.workflow_id),
    steps: async (run, { first = 25 }, { load }) => ({ nodes: await load.steps(run.id, { first }) }),
  },
};

/** With dataloaders, by graphql-js's convention. */
export const resolvers = Object.fromEntries(
  [...new Set([...Object.keys(plain), ...Object.keys(nested)])].map((type) => [type, { ...plain[type], ...nested[type] }]),
);
resolvers.Node = { __resolveType: resolveType };
