import { stringify } from "yaml";
import type { Config } from "./config.js";
import { type Path, pathKey } from "./problems.js";

const MASK = "***";
const SECRET_KEY = /pass(word|phrase)|secret|token|psk|private_?key/i;
/** Shorter ones would blot out half of every message, and are in it by chance. */
const SHORTEST = 4;

/** Takes secrets out of a text. */
export function masker(secrets: ReadonlySet<string>): (text: string) => string {
  // The longest first: one secret may begin with another.
  const known = [...secrets].filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return (text) => known.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

/** The configuration as YAML: what came from a variable or a secret file, and keys that hold secrets by their name, are `***`. */
export function redactedYaml(config: Config, secretPaths: readonly Path[], mask: (text: string) => string): string {
  const hidden = new Set(secretPaths.map(pathKey));
  function walk(value: unknown, path: Path, within: boolean): unknown {
    // Secret is also what a schema made of a secret text: the parts of a listener's URL.
    const secret = within || hidden.has(pathKey(path)) || SECRET_KEY.test(String(path.at(-1) ?? ""));
    if (Array.isArray(value)) return value.map((one, index) => walk(one, [...path, index], secret));
    if (value instanceof Map) return walk(Object.fromEntries(value), path, secret);
    if (typeof value === "object" && value !== null && !(value instanceof Uint8Array))
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, [...path, key], secret)]));
    if (value === undefined || typeof value === "function") return undefined;
    if (secret || value instanceof Uint8Array) return MASK;
    return typeof value === "string" ? mask(value) : value;
  }
  return stringify(walk(config, [], false), { aliasDuplicateObjects: false });
}
