/** A page of a list: a document has to ask for these. */
export interface Page<Item> {
  readonly nodes: readonly Item[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/**
 * A list page by page, from its beginning. `load` asks for the page after a cursor; where it gives nothing, for instance
 * because the workspace is hidden from the caller, the list ends.
 */
export async function* pages<Item>(
  load: (after: string | null) => Promise<Page<Item> | null | undefined>,
): AsyncGenerator<readonly Item[], void, undefined> {
  for (let after: string | null = null; ; ) {
    const page: Page<Item> | null | undefined = await load(after);
    if (!page) return;
    yield page.nodes;
    const { hasNextPage, endCursor } = page.pageInfo;
    if (!hasNextPage) return;
    if (endCursor === null || endCursor === after) throw new Error("a list says that it goes on, but not from where");
    after = endCursor;
  }
}
