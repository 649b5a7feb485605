// The lock file holds on any machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the lock file names no registry, and a hash for each package", () => {
  const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8"));
  const { "": own, ...others } = packages;
  assert.ok(own && Object.keys(others).length > 100);
  const wrong = Object.entries(others).filter(([, { resolved, integrity }]) => resolved || !integrity);
  assert.deepEqual(wrong.map(([name]) => name), []);
});
