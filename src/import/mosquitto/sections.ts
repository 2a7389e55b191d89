import { printable } from "../../config/problems.js";
import { didYouMean } from "../../core/near.js";
import type { SourceFile } from "./files.js";
import { knownKeys, lookUp } from "./keys.js";
import { flag, type Setting } from "./lines.js";
import type { Notes } from "./notes.js";

/** A `connection` or a `listener` line and what follows it. */
export interface Section {
  readonly head: Setting;
  readonly settings: Setting[];
}

export interface Sections {
  readonly general: readonly Setting[];
  /** What stands before any `listener` and is the default listener's. */
  readonly defaultListener: readonly Setting[];
  /** Who may connect: everybody's, or each listener's own with `per_listener_settings`. */
  readonly access: readonly Setting[];
  readonly listeners: readonly Section[];
  readonly connections: readonly Section[];
}

/** Gives each setting to whom it belongs. A section ends with its file, as in mosquitto. */
export function sections(files: readonly SourceFile[], notes: Notes): Sections {
  const general: Setting[] = [];
  const defaultListener: Setting[] = [];
  const access: Setting[] = [];
  const listeners: Section[] = [];
  const connections: Section[] = [];
  const perListener = files.some(({ settings }) =>
    settings.some((setting) => setting.key === "per_listener_settings" && flag(setting) === true),
  );
  for (const file of files) {
    let listener: Setting[] = defaultListener;
    let connection: Setting[] | undefined;
    for (const setting of file.settings) {
      if (setting.key === "connection" || setting.key === "listener") {
        const section = { head: setting, settings: [] };
        if (setting.key === "connection") connection = section.settings;
        else listener = section.settings;
        (setting.key === "connection" ? connections : listeners).push(section);
        continue;
      }
      const key = lookUp(setting.key);
      if (key === undefined) unknown(setting, notes);
      else if (key.owner === "bridge" && connection === undefined) orphan(setting, notes);
      else if (key.reason !== undefined) notes.once(setting, key.reason);
      else if (key.owner === "bridge") connection?.push(setting);
      else if (setting.key === "include_dir" || setting.key === "per_listener_settings") continue;
      else if (key.owner === "general") general.push(setting);
      else if (key.owner === "access" && !perListener) access.push(setting);
      // The address of the default listener, wherever it stands.
      else if (setting.key === "port" || setting.key === "bind_address") defaultListener.push(setting);
      else listener.push(setting);
    }
  }
  return { general, defaultListener, access, listeners, connections };
}

function unknown(setting: Setting, notes: Notes): void {
  const [first = ""] = setting.key.split("\t");
  const tab = setting.key.includes("\t");
  // What mosquitto would not take carried nothing, but a person who wrote a topic line will look for it.
  if (tab && lookUp(first) !== undefined)
    tell(
      first,
      setting,
      `${first}: mosquitto takes no tab behind a key, and neither does the import: write a space`,
      notes,
    );
  else if (setting.key.startsWith("#"))
    notes.note(setting, "a comment must begin in the first column; the line was left out");
  else
    notes.note(
      setting,
      `mosquitto has no key ${printable(setting.key)}${didYouMean(setting.key, knownKeys())}; left out`,
    );
}

function orphan(setting: Setting, notes: Notes): void {
  tell(setting.key, setting, `${setting.key} stands before any connection line of its file; left out`, notes);
}

/** Topics and addresses carry messages: without them something is missing. */
function tell(key: string, setting: Setting, message: string, notes: Notes): void {
  if (key === "topic" || key === "address") notes.error(setting, message);
  else notes.note(setting, message);
}
