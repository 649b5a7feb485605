// What must not compile. Each line would be an error of its own if it did.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "./support/compile.js";

test("mistakes are told by the compiler", async (t) => {
  const { problems } = await compile(
    t,
    `
    import * as aifirst from "aifirst-client";
    declare const client: aifirst.Client;
    // @ts-expect-error a variable is missing
    client.request(aifirst.RecallDocument, { workspace: "ws_1" });
    // @ts-expect-error no such kind
    client.request(aifirst.RememberDocument, { input: { workspaceId: "ws_1", text: "owl", kind: "RUMOUR" } });
    const page = await client.request(aifirst.MemoriesDocument, { workspace: "ws_1" });
    // @ts-expect-error a workspace may be hidden
    page.workspace.memories;
    const end = page.workspace?.memories.pageInfo.endCursor ?? "";
    // @ts-expect-error the cursor of a page is no place in the log
    client.follow(aifirst.ChangesDocument, { workspace: "ws_1", after: end });
    client.follow(aifirst.ChangesDocument, { workspace: "ws_1", after: aifirst.cursor("kept") });
    // @ts-expect-error without its cursor an event cannot be followed on
    client.follow(new aifirst.Operation<{ changes: { kind: string } }, {}>("subscription { changes { kind } }"), {});
    for await (const event of client.follow(aifirst.RunEventsDocument, { run: "run_1" })) {
      // @ts-expect-error it may be another event, or that too much was missed
      event.approval;
      if (event.__typename === "ApprovalRequested") event.approval.title;
    }
    function shown(status: aifirst.RunStatus): string {
      switch (status) {
        case "COMPLETED": return "done";
        default: return "under way";
      }
    }
    // @ts-expect-error newer servers have statuses that nothing is known of
    const known: "CANCELLED" | "CANCELLING" | "COMPENSATING" | "COMPLETED" | "FAILED" | "PAUSED" | "QUEUED" | "RUNNING" | "TIMED_OUT" | "WAITING" = "x" as aifirst.RunStatus;
    export { shown, known };
    `,
  );
  assert.equal(problems, "");
});
