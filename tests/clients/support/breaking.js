// What the schema takes from clients that were written for the last release, and whether CHANGELOG.md tells them.
import { CriticalityLevel, diff } from "@graphql-inspector/core";

/** Where a change is: `Memory.text`, `Query.node.id`, `Role.OWNER`. */
export const place = ({ path, meta }) => [path, meta?.removedUnionMemberTypeName].filter(Boolean).join(".");

/** Changes after which an operation that was good may fail. */
export async function breaking(before, after) {
  const changes = await diff(before, after);
  return changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
}

/** The entries of what is not released yet, each on one line. */
function unreleased(changelog) {
  const [, section = ""] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
  return section.split(/\n(?=- )/).map((entry) => entry.replaceAll(/\s+/g, " ").trim());
}

/** Breaking changes that no entry names, as `- **Breaking**: ` followed by what it is, `Memory.text` in backquotes. */
export async function untold(before, after, changelog) {
  const told = unreleased(changelog).filter((entry) => entry.startsWith("- **Breaking**: "));
  const changes = await breaking(before, after);
  return changes.filter((change) => !told.some((entry) => entry.includes(`\`${place(change)}\``))).map((change) => `${place(change)}: ${change.message}`);
}
