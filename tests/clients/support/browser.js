// A real browser: the Chromium that comes in an npm package, unpacked once beside it.
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { access, chmod, mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { createBrotliDecompress } from "node:zlib";
import { chromium } from "playwright-core";
import { root } from "./server.js";

const run = promisify(execFile);

/** Where the browser lies: the program, the libraries that it needs, a font. */
async function unpacked() {
  const archives = path.join(await realpath(path.join(root, "tests/clients/node_modules/@sparticuz/chromium")), "bin");
  const folder = path.join(archives, "../../chromium-unpacked");
  if (await access(folder).then(() => true, () => false)) return folder;
  const fresh = await mkdtemp(`${folder}-`);
  const inflate = (name, file) => pipeline(createReadStream(path.join(archives, name)), createBrotliDecompress(), createWriteStream(file));
  for (const name of ["al2023", "fonts"]) {
    const archive = path.join(fresh, `${name}.tar`);
    await inflate(`${name}.tar.br`, archive);
    await mkdir(path.join(fresh, name));
    await run("tar", ["-xf", archive, "-C", path.join(fresh, name)]);
    await rm(archive);
  }
  // The package's own file names folders of another machine. One font alone: pages look the same everywhere.
  const fonts = `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts/cache</cachedir></fontconfig>`;
  await writeFile(path.join(fresh, "fonts/fonts.conf"), `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">${fonts}`);
  await inflate("chromium.br", path.join(fresh, "chromium"));
  await chmod(path.join(fresh, "chromium"), 0o755);
  // Somebody else may have been quicker.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  return folder;
}

/** One browser for the tests of a file. `open` gives a page of its own, which reaches nothing but this machine. */
export function browserForTests() {
  let browser;
  before(async () => {
    const folder = await unpacked();
    browser = await chromium.launch({
      executablePath: path.join(folder, "chromium"),
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
      env: {
        ...process.env,
        LD_LIBRARY_PATH: path.join(folder, "al2023/lib"),
        FONTCONFIG_PATH: path.join(folder, "fonts"),
        HOME: tmpdir(),
      },
    });
  });
  after(async () => await browser?.close());
  return {
    async open(t, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      t.after(() => context.close());
      const page = await context.newPage();
      /** What went wrong in the page, and what it wanted from elsewhere. */
      const problems = [];
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(String(error)));
      await context.route(
        ({ hostname }) => !["127.0.0.1", "localhost"].includes(hostname),
        (route) => {
          problems.push(`it wants ${route.request().url()}`);
          return route.abort();
        },
      );
      return { page, problems };
    },
  };
}

/** For whoever wants to see what the tests see: a picture, where AIFIRST_SCREENSHOTS names a folder. */
export async function picture(page, name) {
  const folder = process.env.AIFIRST_SCREENSHOTS;
  if (folder) await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
