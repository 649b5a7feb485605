// What is remembered, and found again.
import { type Client, done, RecallDocument, RememberDocument, retry, withKey } from "aifirst-client";
import { element, field, fill, form } from "./dom.js";

export function memoryPanel(client: Client, workspace: string): HTMLElement {
  const hits = element("ul", { class: "hits", "aria-label": "Found", "aria-live": "polite" });
  const said = element("p", { class: "hint", role: "status" }, "Tell it something, then ask for it in other words.");

  const remember = form(
    {},
    async ({ text = "" }, sent) => {
      // Sent again after a broken line, it is still remembered once.
      const input = withKey({ workspaceId: workspace, text, kind: "NOTE" as const, scope: "USER" as const });
      const { memory } = done((await retry(() => client.request(RememberDocument, { input }))).remember);
      fill(said, `Remembered: “${memory.text}”`);
      sent.reset();
    },
    field("Something to remember", element("textarea", { name: "text", required: true, maxlength: "10000", placeholder: "Ana prefers short stand-ups before ten" })),
    element("button", {}, "Remember"),
  );

  const recall = form(
    {},
    async ({ query = "" }) => {
      hits.setAttribute("aria-busy", "true");
      fill(said, "Looking …");
      try {
        const answer = await retry(() => client.request(RecallDocument, { workspace, input: { query, limit: 5 } }));
        const found = answer.workspace?.recall.hits ?? [];
        fill(said, found.length === 0 ? "Nothing that is remembered answers this." : `${found.length} found, the best first:`);
        fill(hits, ...found.map(({ item, score }) => element("li", {}, item.text, element("small", {}, `${Math.round(score * 100)} %`))));
      } finally {
        hits.removeAttribute("aria-busy");
      }
    },
    field("A question", element("input", { name: "query", required: true, placeholder: "When are stand-ups?" })),
    element("button", { class: "quiet" }, "Recall"),
  );

  return element("section", { "aria-labelledby": "memory" }, element("h2", { id: "memory" }, "Memory"), remember, recall, said, hits);
}
