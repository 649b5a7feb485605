// The Relay compiler over the story's operations and the sources of `relay/`, as a frontend's build runs it.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { schemaFile } from "./schema.js";
import { root } from "./server.js";
import { operations } from "./story.js";

const clients = path.join(root, "tests/clients");

/** Relay wants an operation's name to begin with its file's and to end with its kind. */
function named(name, text) {
  const [kind] = /query|mutation|subscription/.exec(text);
  return text.replace(/(query|mutation|subscription) \w+/, `${kind} ${relayName(name, kind)}`);
}

const relayName = (name, kind) => `story${name[0].toUpperCase()}${name.slice(1)}${kind[0].toUpperCase()}${kind.slice(1)}`;

/**
 * What the compiler made: by the artifact's name, and for the story's operations by their own. With `persist`, artifacts
 * have ids instead of texts, and `persisted` is the file with the texts.
 */
export async function compile({ persist = false } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "aifirst-relay-"));
  try {
    const source = path.join(folder, "src");
    await mkdir(source);
    await copyFile(schemaFile, path.join(folder, "schema.graphql"));
    for (const file of await readdir(path.join(clients, "relay"))) {
      await copyFile(path.join(clients, "relay", file), path.join(source, file));
    }
    const tags = Object.entries(operations).map(([name, text]) => `graphql\`${named(name, text)}\`;`);
    await writeFile(path.join(source, "story.js"), tags.join("\n"));
    const config = { src: "./src", schema: "./schema.graphql", language: "javascript", eagerEsModules: false, artifactDirectory: "./artifacts" };
    const manifest = path.join(folder, "persisted.json");
    if (persist) {
      config.persistConfig = { file: "./persisted.json" };
      await writeFile(manifest, "{}");
    }
    await writeFile(path.join(folder, "relay.config.json"), JSON.stringify(config));
    await mkdir(path.join(folder, "artifacts"));
    const compiler = path.join(clients, "node_modules/relay-compiler/cli.js");
    await promisify(execFile)(process.execPath, [compiler, "relay.config.json"], { cwd: folder });
    const require = createRequire(path.join(folder, "artifacts/"));
    const files = await readdir(path.join(folder, "artifacts"));
    const artifacts = Object.fromEntries(files.map((file) => [file.replace(/\.graphql\.js$/, ""), require(`./${file}`)]));
    const story = Object.fromEntries(
      Object.entries(operations).map(([name, text]) => [name, artifacts[relayName(name, /query|mutation|subscription/.exec(text)[0])]]),
    );
    return { artifacts, story, persisted: persist ? JSON.parse(await readFile(manifest, "utf8")) : undefined };
  } finally {
    await rm(folder, { recursive: true });
  }
}
