/** One line of a mosquitto.conf that says something. */
export interface Setting {
  /** As it is to be named to a person. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly key: string;
  /** All behind the key, blanks included. */
  readonly rest: string;
}

/** Old names that mosquitto still takes. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ["addresses", "address"],
  ["clientid", "remote_clientid"],
  ["username", "remote_username"],
  ["password", "remote_password"],
  ["retained_persistence", "persistence"],
]);

/**
 * Reads as mosquitto does: `#` begins a comment in the first column only, a space (never a tab) ends the key, and the rest of
 * the line belongs to the value.
 */
export function readLines(file: string, text: string): Setting[] {
  return text.split("\n").flatMap((raw, index) => {
    const line = raw.replace(/\r+$/, "");
    if (line.startsWith("#") || line.trim() === "") return [];
    const [, key = "", rest = ""] = /^ *([^ ]*)(.*)$/s.exec(line) ?? [];
    return [{ file, line: index + 1, key: RENAMED.get(key) ?? key, rest }];
  });
}

/** Values that are lists: any number of spaces between two words. */
export function words(setting: Setting): string[] {
  return setting.rest.split(" ").filter((word) => word.trim() !== "");
}

/** Values that are text: the rest of the line, with the spaces in it. */
export function text(setting: Setting): string {
  return setting.rest.trim();
}

/** undefined for what is neither. */
export function flag(setting: Setting): boolean | undefined {
  const word = text(setting);
  if (word === "true" || word === "1") return true;
  return word === "false" || word === "0" ? false : undefined;
}

/** A whole number within the bounds, both allowed. */
export function whole(word: string | undefined, min: number, max: number): number | undefined {
  const number = /^\d{1,15}$/.test(word?.trim() ?? "") ? Number(word) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}
