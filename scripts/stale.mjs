import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * What the compiler makes of a source: `x.ts` gives `x.js` and `x.js.map`, an imported `x.json` is copied.
 *
 * @type {readonly (readonly [output: RegExp, source: string])[]}
 */
const SOURCES = [
  [/\.js\.map$/, ".ts"],
  [/\.js$/, ".ts"],
  // Declarations are made of what the package exports: see build.mjs.
  [/(?<=\/protocols\/.*)\.d\.ts$/, ".ts"],
  [/\.json$/, ".json"],
];

/**
 * Deletes every file below `dist` whose source below `root` is gone, and the folders left empty.
 *
 * @param {string} root the folder of the sources
 * @param {string} dist the compiler's output folder
 * @returns {string[]} what was deleted, relative to `dist`
 */
export function removeStale(root, dist) {
  /** @type {string[]} */
  const removed = [];

  /** @param {string} folder relative to `dist` */
  function visit(folder) {
    let kept = 0;
    for (const entry of readdirSync(join(dist, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        kept += visit(path);
      } else if (hasSource(root, path)) {
        kept += 1;
      } else {
        rmSync(join(dist, path), { force: true });
        removed.push(path);
      }
    }
    if (kept === 0 && folder !== "") rmSync(join(dist, folder), { recursive: true, force: true });
    return kept;
  }

  if (existsSync(dist)) visit("");
  return removed;
}

/**
 * @param {string} root
 * @param {string} output relative to the output folder
 */
function hasSource(root, output) {
  const rule = SOURCES.find(([ending]) => ending.test(output));
  return rule !== undefined && existsSync(join(root, output.replace(rule[0], rule[1])));
}
