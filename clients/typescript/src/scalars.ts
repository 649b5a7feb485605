declare const place: unique symbol;

/**
 * A place in a workspace's log. A type of its own, for the cursors of pages are texts too: passing one as `after` of a
 * stream would only fail at the server.
 */
export type Cursor = string & { readonly [place]: true };

/** A cursor that was kept as a text, in a browser's storage for instance. */
export const cursor = (text: string): Cursor => text as Cursor;
