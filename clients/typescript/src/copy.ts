// A copy of a workspace that follows its changes.
import type { Client } from "./client.js";
import { AifirstError } from "./errors.js";
import {
  type ChangeFieldsFragment,
  ChangesSinceDocument,
  CopyActionItemsDocument,
  CopyDocumentsDocument,
  CopyMembersDocument,
  CopyMemoriesDocument,
  CopyMessagesDocument,
  CopyRunsDocument,
  CopySessionsDocument,
  CopyWorkflowsDocument,
  PlaceDocument,
} from "./generated.js";
import { type Page, pages } from "./pages.js";
import type { Cursor } from "./scalars.js";
import type { ResyncRequired } from "./stream.js";

/** Something with an id of its own. What it holds of that sort is an entry of its own, and here only `{ id }`. */
export interface Entry {
  readonly __typename: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** What is known of a workspace, by id. Plain data, but for the two collections. */
export interface LocalCopy {
  readonly entries: ReadonlyMap<string, Entry>;
  /** What is gone, for good: an answer that comes late does not bring it back. */
  readonly gone: ReadonlySet<string>;
  /** Go on from here. */
  readonly cursor: Cursor | undefined;
  /** Too much was missed: make a new copy. */
  readonly stale: boolean;
}

export const emptyCopy: LocalCopy = { entries: new Map(), gone: new Set(), cursor: undefined, stale: false };

/** The copy after some changes, in their order. */
export function changed(copy: LocalCopy, ...changes: readonly (ChangeFieldsFragment | ResyncRequired)[]): LocalCopy {
  const entries = new Map(copy.entries);
  const gone = new Set(copy.gone);
  let { cursor, stale } = copy;
  for (const change of changes) {
    if (change.__typename === "ResyncRequired") {
      stale = true;
      continue;
    }
    cursor = change.cursor;
    if (change.deletedId !== null) {
      entries.delete(change.deletedId);
      gone.add(change.deletedId);
    }
    // Without a node there is nothing to copy.
    absorb(entries, gone, change.node);
  }
  return { entries, gone, cursor, stale };
}

/** The copy with what a query or a mutation answered. */
export function learned(copy: LocalCopy, answer: unknown): LocalCopy {
  const entries = new Map(copy.entries);
  absorb(entries, copy.gone, answer);
  return { ...copy, entries };
}

/** Makes an entry of each thing within, and gives what stands in its place. */
function absorb(entries: Map<string, Entry>, gone: ReadonlySet<string>, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => absorb(entries, gone, item));
  const absorbed = Object.entries(value).map(([name, field]) => [name, absorb(entries, gone, field)] as const);
  // A page of a list is no part of a thing: changes would not keep it up to date.
  const fields = Object.fromEntries(absorbed.filter(([, field]) => !isPage(field)));
  const { __typename: type, id } = fields;
  if (typeof type !== "string" || typeof id !== "string") return fields;
  if (!gone.has(id)) entries.set(id, { ...entries.get(id), ...fields, __typename: type, id });
  return { id };
}

const isPage = (field: unknown): boolean => typeof field === "object" && field !== null && "nodes" in field;

type List<Item> = (after: string | null) => Promise<Page<Item> | null | undefined>;

/**
 * Loads what the caller may see of members, memories, documents, workflows, runs with their steps, and the caller's own sessions with
 * their messages and action items. Changes go on from its `cursor`, which is older than all that was loaded. They bring all other things
 * once something happens to them: goals, turns, approvals, versions, invitations, keys, service accounts, audit entries and
 * receipts from before are in no copy until then, unless you ask for them (`CopyThingsDocument`) and have it `learned`.
 */
export async function loadCopy(client: Client, workspace: string, signal?: AbortSignal): Promise<LocalCopy> {
  const options = signal ? { signal } : {};
  const place = await client.request(PlaceDocument, { workspace }, options);
  if (!place.workspace) throw new Error(`there is no workspace ${workspace}, or it is hidden`);
  const page = (after: string | null) => ({ workspace, first: 100, after });
  const entries = new Map<string, Entry>();
  const load = async <Item>(list: List<Item>, within?: (item: Item) => List<unknown>) => {
    for await (const nodes of pages(list)) {
      absorb(entries, emptyCopy.gone, nodes);
      if (!within) continue;
      for (const item of nodes) await load(within(item));
    }
  };
  await load(async (after) => (await client.request(CopyMembersDocument, page(after), options)).workspace?.members);
  await load(async (after) => (await client.request(CopyMemoriesDocument, page(after), options)).workspace?.memories);
  await load(async (after) => (await client.request(CopyDocumentsDocument, page(after), options)).workspace?.documents);
  await load(async (after) => (await client.request(CopyWorkflowsDocument, page(after), options)).workspace?.workflows);
  await load(
    async (after) => (await client.request(CopySessionsDocument, { ...page(after), first: 25 }, options)).workspace?.coachingSessions,
    ({ id, messages }) =>
      async (after) => {
        if (after === null) return messages;
        const { node } = await client.request(CopyMessagesDocument, { session: id, first: 100, after }, options);
        return node?.__typename === "CoachingSession" ? node.messages : null;
      },
  );
  await load(async (after) => (await client.request(CopyActionItemsDocument, page(after), options)).workspace?.actionItems);
  await load(async (after) => (await client.request(CopyRunsDocument, { ...page(after), first: 25 }, options)).workspace?.runs);
  return { ...emptyCopy, entries, cursor: place.workspace.cursor };
}

/** The copy, brought up to date by pages of changes; `stale` where too much was missed. */
export async function catchUp(client: Client, workspace: string, copy: LocalCopy, signal?: AbortSignal): Promise<LocalCopy> {
  let now = copy;
  try {
    for (;;) {
      const variables = { workspace, after: now.cursor ?? null, first: 100 };
      const { changes: page } = await client.request(ChangesSinceDocument, variables, signal ? { signal } : {});
      now = { ...changed(now, ...page.changes), cursor: page.cursor };
      if (!page.hasMore) return now;
    }
  } catch (error) {
    if (error instanceof AifirstError && error.code === "RESYNC_REQUIRED") return { ...now, stale: true };
    throw error;
  }
}
