import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @param {string} folder where the compiled tests are
 * @returns {string[]} every `*.test.js` below it, relative to it, sorted: the order of a run must not depend on the disk
 */
export function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.js"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/**
 * @param {readonly string[]} files
 * @param {readonly string[]} words none: all files
 */
export function choose(files, words) {
  return files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
}
