// Read by the Relay compiler alone: a list that grows page by page and by what is added to it.
import { graphql } from "relay-runtime";

graphql`
  query pagesQuery($workspace: ID!, $first: Int!) {
    workspace(id: $workspace) {
      ...pages_workspace @arguments(first: $first)
    }
  }
`;

graphql`
  fragment pages_workspace on Workspace
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
  @refetchable(queryName: "pagesMoreQuery") {
    memories(first: $first, after: $after) @connection(key: "pages_memories") {
      edges {
        node {
          ...pages_memory
        }
      }
    }
  }
`;

graphql`
  fragment pages_memory on Memory @refetchable(queryName: "pagesMemoryQuery") {
    id
    text
    kind
  }
`;

graphql`
  mutation pagesRememberMutation($input: RememberInput!, $connections: [ID!]!) {
    remember(input: $input) {
      memory @prependNode(connections: $connections, edgeTypeName: "MemoryEdge") {
        ...pages_memory
      }
      userErrors {
        message
      }
    }
  }
`;
