// A frontend in miniature. It is compiled strictly: a wrong type anywhere, or one that is not noticed, fails the test.
import { useFragment } from "./generated/fragment-masking.js";
import type { TypedDocumentString } from "./generated/graphql.js";
import { CoachingEvents, CreateWorkspace, ImportMemories, MemoryCard, Recall } from "./operations.js";

interface Server {
  url: string;
  authorization: string;
}

async function ask<Result, Variables>(
  server: Server,
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: server.authorization },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const answer = (await response.json()) as { data?: Result; errors?: unknown };
  if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

/** What was remembered, as it is recalled: texts with the moments they are of. */
export async function rememberAndRecall(server: Server): Promise<{ text: string; occurredAt: string }[]> {
  const { createWorkspace } = await ask(server, CreateWorkspace, { name: "Typed" });
  const workspace = createWorkspace.workspace;
  if (!workspace) throw new Error(createWorkspace.userErrors.map(({ message }) => message).join());
  const items = [{ externalId: "1", text: "The stand-up is at ten", kind: "FACT" as const, occurredAt: "2026-05-08T13:56:00Z" }];
  const { importMemories } = await ask(server, ImportMemories, { workspace: workspace.id, items });
  if (importMemories.created !== 1) throw new Error(JSON.stringify(importMemories));
  const recalled = await ask(server, Recall, { workspace: workspace.id, input: { query: "stand-up", limit: 3 } });
  return (recalled.workspace?.recall.hits ?? []).flatMap(({ item }) => {
    if (item.__typename !== "Memory") return [];
    const { text, occurredAt } = useFragment(MemoryCard, item);
    return occurredAt ? [{ text, occurredAt }] : [];
  });
}

// What must not compile. Each line would be an error of its own if it did.
export const wrong = [
  // @ts-expect-error a variable is missing
  (server: Server) => ask(server, CreateWorkspace, {}),
  // @ts-expect-error an id is text
  (server: Server) => ask(server, CoachingEvents, { session: 1 }),
  // @ts-expect-error a moment is text, not a number
  (server: Server) => ask(server, ImportMemories, { workspace: "", items: [{ externalId: "1", text: "", occurredAt: 0 }] }),
  // @ts-expect-error no such kind
  (server: Server) => ask(server, ImportMemories, { workspace: "", items: [{ externalId: "1", text: "", kind: "RUMOUR" }] }),
  // @ts-expect-error a cursor is opaque text
  (server: Server) => ask(server, CoachingEvents, { session: "", after: 7 }),
  async (server: Server) => {
    const { workspace } = await ask(server, Recall, { workspace: "", input: { query: "" } });
    // @ts-expect-error a workspace may be hidden
    return workspace.recall;
  },
];
