// A frontend's typed operations: the generator reads them here, the compiler checks their use.
import { graphql } from "./generated/gql.js";

export const CreateWorkspace = graphql(/* GraphQL */ `
  mutation TypedCreateWorkspace($name: String!) {
    createWorkspace(input: { name: $name }) {
      workspace {
        id
        slug
        cursor
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const ImportMemories = graphql(/* GraphQL */ `
  mutation TypedImport($workspace: ID!, $items: [ImportMemoryItem!]!) {
    importMemories(input: { workspaceId: $workspace, scope: USER, items: $items }) {
      created
      memories {
        ...MemoryCard
      }
      userErrors {
        code
        message
      }
    }
  }
`);

export const MemoryCard = graphql(/* GraphQL */ `
  fragment MemoryCard on Memory {
    id
    text
    kind
    occurredAt
  }
`);

export const Recall = graphql(/* GraphQL */ `
  query TypedRecall($workspace: ID!, $input: RecallInput!) {
    workspace(id: $workspace) {
      recall(input: $input) {
        hits {
          score
          item {
            __typename
            ...MemoryCard
          }
        }
      }
    }
  }
`);

export const CoachingEvents = graphql(/* GraphQL */ `
  subscription TypedCoachingEvents($session: ID!, $after: Cursor) {
    coachingEvents(sessionId: $session, after: $after) {
      __typename
      cursor
      at
      ... on TurnDelta {
        text
        offset
      }
      ... on TurnCompleted {
        turn {
          status
          reply {
            text
          }
        }
      }
    }
  }
`);
