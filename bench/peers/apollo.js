// Apollo Server 5, as its documentation starts it: startStandaloneServer, a context for each request with dataloaders.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { authenticate, loadersOf } from "./data.js";
import { listening, port, warm } from "./listen.js";
import { resolvers, typeDefs } from "./schema.js";

const { Subscription, ...served } = resolvers;
const server = new ApolloServer({ typeDefs, resolvers: served, introspection: false });
await warm();
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port },
  context: async ({ req }) => {
    const me = await authenticate(req.headers.authorization);
    return { me, load: loadersOf(me) };
  },
});
listening({ port: new URL(url).port });
