import { readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { readText } from "../../config/files.js";
import { ConfigError } from "../../config/index.js";
import { messageOf } from "../../core/errors.js";
import { readLines, type Setting, text } from "./lines.js";
import type { Notes } from "./notes.js";

/** Bytes of one file. The largest that people show are a tenth of it. */
const FILE_LIMIT = 1024 * 1024;
/** Files that `include_dir` may bring. */
const INCLUDE_LIMIT = 256;
/** Settings in all files together. */
const SETTING_LIMIT = 20_000;

export interface SourceFile {
  readonly name: string;
  readonly settings: readonly Setting[];
}

/**
 * The file and those that it includes, in the order in which mosquitto reads them: an `include_dir` is read where it stands,
 * and only one of the main file counts.
 * @throws ConfigError if the file itself cannot be read. What cannot be included is an error among the notes.
 */
export function readFiles(name: string, notes: Notes): SourceFile[] {
  const main = readText(name, FILE_LIMIT);
  if ("problem" in main) throw unusable(name, `the file ${main.problem}`);
  const settings = readLines(name, main.text);
  const included = settings.filter(({ key }) => key === "include_dir").flatMap((setting) => include(setting, notes));
  if (included.length > INCLUDE_LIMIT) throw unusable(name, `include_dir brings more than ${INCLUDE_LIMIT} files`);
  const files = [{ name, settings }, ...included];
  if (files.reduce((sum, file) => sum + file.settings.length, 0) > SETTING_LIMIT)
    throw unusable(name, `there are more than ${SETTING_LIMIT} settings`);
  for (const { settings: inner } of included)
    for (const setting of inner)
      if (setting.key === "include_dir") notes.once(setting, "mosquitto reads it in the main file only");
  return files;
}

function include(setting: Setting, notes: Notes): SourceFile[] {
  // mosquitto begins where it was started, which is not known here; beside the file is where a copy of both would be.
  const folder = isAbsolute(text(setting)) ? text(setting) : join(dirname(setting.file), text(setting));
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".conf"));
    return names
      .sort(byName)
      .slice(0, INCLUDE_LIMIT + 1)
      .flatMap((entry) => {
        const name = join(folder, entry);
        const read = readText(name, FILE_LIMIT);
        if (!("problem" in read)) return [{ name, settings: readLines(name, read.text) }];
        notes.error({ file: name }, `the file ${read.problem}`);
        return [];
      });
  } catch (error) {
    notes.error(setting, `include_dir: the folder cannot be read, what is in it is missing here: ${messageOf(error)}`);
    return [];
  }
}

/** By letters regardless of case, and A before a. */
function byName(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  if (left !== right) return left < right ? -1 : 1;
  return a < b ? -1 : 1;
}

function unusable(place: string, message: string): ConfigError {
  return new ConfigError([{ place, path: [], message, level: "error" }]);
}
