import { flag, type Setting, text, whole, words } from "./lines.js";
import type { Notes } from "./notes.js";

/** The settings of one section by key. mosquitto takes a key once; what it would refuse is told and left out. */
export interface Settings {
  setting(key: string): Setting | undefined;
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  /** The first word as a whole number within the bounds. */
  whole(key: string, min: number, max: number): number | undefined;
  has(...keys: string[]): boolean;
}

export function settingsOf(all: readonly Setting[], notes: Notes): Settings {
  const byKey = new Map<string, Setting>();
  for (const setting of all) {
    if (setting.key === "topic") continue;
    if (text(setting) === "") refuse(setting, "has no value");
    else if (byKey.has(setting.key)) refuse(setting, "stands here a second time; the first counts");
    else byKey.set(setting.key, setting);
  }

  function refuse(setting: Setting, why: string): void {
    const message = `${setting.key} ${why}; left out`;
    if (setting.key === "address") notes.error(setting, message);
    else notes.note(setting, message);
  }

  function read<T>(key: string, parse: (setting: Setting) => T | undefined, must: string): T | undefined {
    const setting = byKey.get(key);
    if (setting === undefined) return undefined;
    const value = parse(setting);
    if (value !== undefined) return value;
    refuse(setting, `must be ${must}`);
    byKey.delete(key);
    return undefined;
  }

  return {
    setting: (key) => byKey.get(key),
    text: (key) => read(key, text, "text"),
    flag: (key) => read(key, flag, "true or false"),
    whole: (key, min, max) =>
      read(key, (setting) => whole(words(setting)[0], min, max), `a whole number between ${min} and ${max}`),
    has: (...keys) => keys.some((key) => byKey.has(key)),
  };
}
