// GraphQL Yoga 5 on node's own server, as its documentation starts it, with dataloaders; and graphql-ws beside it. A POST
// to /start has it read a source of tokens and publish each.
import { createServer } from "node:http";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema, createYoga } from "graphql-yoga";
import { WebSocketServer } from "ws";
import { authenticate, loadersOf, shown } from "./data.js";
import { listening, port, warm } from "./listen.js";
import { resolvers, typeDefs } from "./schema.js";

const pubSub = createPubSub();

const yoga = createYoga({
  schema: createSchema({
    typeDefs,
    resolvers: {
      ...resolvers,
      Subscription: {
        coachingEvents: {
          subscribe: (_, { sessionId }) => pubSub.subscribe("coachingEvents", sessionId),
          resolve: (event) => event,
        },
      },
    },
  }),
  logging: false,
  graphiql: false,
  maskedErrors: true,
  context: async ({ request, extra }) => {
    if (extra) return {};
    const me = await authenticate(request.headers.get("authorization"));
    return { me, load: loadersOf(me) };
  },
});

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/start") return yoga(request, response);
  publish(url.searchParams.get("topic"), url.searchParams.get("source")).catch(console.error);
  response.writeHead(202, { "content-length": 0 }).end();
});

/** As graphql-ws is joined to Yoga in its documentation. */
useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
        extra: ctx.extra,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length ? errors : args;
    },
  },
  new WebSocketServer({ server, path: yoga.graphqlEndpoint }),
);

async function publish(topic, source) {
  const response = await fetch(`http://${source}/v1/chat/completions`, { method: "POST", body: "{}" });
  const decoder = new TextDecoder();
  let [rest, offset] = ["", 0];
  const turn = { id: "00000000-0000-7000-8000-000000000000" };
  const tell = (text) => {
    pubSub.publish("coachingEvents", topic, { cursor: topic, at: new Date().toISOString(), turn, text, offset });
    offset += text.length;
  };
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.slice("data: ".length);
      if (data === "[DONE]") return tell("TurnCompleted");
      const text = JSON.parse(data).choices[0]?.delta?.content;
      if (text) tell(text);
    }
  }
}

await warm();
server.listen(port, "127.0.0.1", () => listening(server.address()));
