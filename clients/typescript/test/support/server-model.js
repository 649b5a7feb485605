// The server's side of a stream, as it may behave: the line is cut anywhere, and whoever comes back is taken up from a cursor.
import fc from "fast-check";

/** What a transport throws where the line breaks. */
export const cut = Symbol("cut");

/**
 * A transport over a log of events, each with its cursor. `script` has for each connection after how many answers it is cut,
 * and whether the last event comes again first; where it ends, the stream is delivered to its end. `resumed(log, place)` is
 * what is told from a place on.
 */
export function transportOver(log, script, { failure, resumed = (events, place) => events.slice(place) } = {}) {
  const connections = [...script];
  const asked = [];
  return {
    asked,
    async *stream({ variables: { after } }, token, signal) {
      asked.push({ after, token });
      const { answers = Infinity, again = false } = connections.shift() ?? {};
      const place = after === undefined ? 0 : log.findIndex(({ cursor }) => cursor === after) + 1;
      const events = resumed(log, place);
      const told = again && place > 0 ? [log[place - 1], ...events] : events;
      for (const [number, event] of told.entries()) {
        if (number >= answers) throw failure();
        if (signal.aborted) return;
        yield { data: { events: event } };
      }
      if (answers < told.length) throw failure();
    },
    close() {},
  };
}

/** Where lines break. */
export const cuts = fc.array(fc.record({ answers: fc.nat(8), again: fc.boolean() }), { maxLength: 8 });
