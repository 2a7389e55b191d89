import { type LineProblem, Problems } from "../problem.js";
import { type Hash, parseHash } from "./hash.js";

export interface User {
  readonly hash: Hash;
  /** The hash as it is in the file: another one means another password. */
  readonly written: string;
}

export type Users = ReadonlyMap<string, User>;

/** Longest line, in characters: a name of 1,024 and a hash of some 250. */
const LONGEST_LINE = 2_048;
const LONGEST_NAME = 1_024;

/**
 * `name:hash` a line, as mosquitto's password_file: blank lines and lines that begin with `#` are left out, blanks around both
 * parts do not count. Unlike mosquitto, which leaves a wrong line out, every one is a problem.
 */
export function parseUsers(text: string): { readonly users: Users; readonly problems: readonly LineProblem[] } {
  const problems = new Problems();
  const users = new Map<string, User>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.startsWith("#") || line.trim() === "") continue;
    const at = index + 1;
    const colon = line.indexOf(":");
    if (line.length > LONGEST_LINE) problems.add(at, `is longer than ${LONGEST_LINE} characters`);
    else if (colon < 0) problems.add(at, "must be a name and a hash with a colon between them");
    else {
      const name = line.slice(0, colon).trim();
      const written = line.slice(colon + 1).trim();
      const hash = parseHash(written);
      const wrong = nameProblem(name);
      if (wrong !== undefined) problems.add(at, `the name ${wrong}`);
      else if (typeof hash === "string") problems.add(at, `the password ${hash}`);
      else if (users.has(name)) problems.add(at, "the name is in the file twice");
      else users.set(name, { hash, written });
    }
  }
  return { users, problems: problems.list };
}

/** Why a name cannot be a user's in the file; undefined if it can. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "must not be empty";
  if (name.length > LONGEST_NAME) return `must be at most ${LONGEST_NAME} characters long`;
  if (name !== name.trim()) return "must have no blanks around it";
  if (name.startsWith("#")) return "must not begin with #";
  if (name.includes(":")) return "must have no colon in it";
  return /[\p{Cc}\p{Surrogate}]/u.test(name) ? "must have no control characters in it" : undefined;
}
