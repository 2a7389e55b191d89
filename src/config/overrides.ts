import { suggest } from "../core/near.js";
import { readDocument } from "./document.js";
import { type Path, printable } from "./problems.js";
import { childShapes, keysOf, type Shape, typesOf } from "./shape.js";

/** Variables of this prefix that are no overrides: the path of the file, and what tests read. */
export const RESERVED: readonly string[] = ["WEIR_CONFIG", "WEIR_REQUIRE_PEERS", "WEIR_SEED"];
const PREFIX = "WEIR_";
const LONGEST_VALUE = 65_536;

/** One value from outside the file. */
export interface Override {
  /** What to call it in an error: the variable, or `--set devices.2.qos`. Never its value. */
  readonly name: string;
  readonly segments: readonly string[];
  readonly value: string;
  /** Variables are upper case by custom, and shells allow few characters in them. */
  readonly loose: boolean;
}

export interface Refusal {
  readonly name: string;
  readonly path: Path;
  readonly message: string;
}

/** The overrides among the variables, in the order of their names: a list's entries come first to last. */
export function environmentOverrides(env: Readonly<Record<string, string | undefined>>): Override[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !RESERVED.includes(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => ({
      name: printable(name),
      segments: name.slice(PREFIX.length).split("__"),
      value: env[name] ?? "",
      loose: true,
    }));
}

/** Reads `path=value`. The path is spelled as in an error: `devices[2].qos`, `devices.air.qos`, `devices[plant.air].qos`. */
export function argumentOverride(argument: string): Override | Refusal {
  const end = argument.indexOf("=");
  // Not repeated: without a = the whole argument may be a value, and that a secret.
  if (end < 0) return { name: "--set", path: [], message: "must be written path=value, such as log.level=debug" };
  const path = argument.slice(0, end).trim();
  const name = `--set ${printable(path)}`.trimEnd();
  const segments = path.match(/[^.[\]]+|\[[^[\]]*\]/g)?.map((part) => part.replace(/^\["?|"?\]$/g, "")) ?? [];
  return { name, segments, value: argument.slice(end + 1), loose: false };
}

const squash = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "_");

/** The one name that is meant: exactly, or for a variable the only one that differs in case and signs alone. */
function pick(segment: string, names: readonly string[], loose: boolean): string | undefined {
  if (names.includes(segment)) return segment;
  const near = names.filter((name) =>
    loose ? squash(name) === squash(segment) : name.toLowerCase() === segment.toLowerCase(),
  );
  return near.length === 1 ? near[0] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A place in a list: an index, or the id of an entry. */
function entry(segment: string, list: readonly unknown[], loose: boolean): number | string {
  if (/^\d{1,6}$/.test(segment)) {
    const index = Number(segment);
    if (index <= list.length) return index;
    return list.length === 0
      ? "the list is empty: its first entry is 0"
      : `the list has ${list.length} entries: the next one is ${list.length}`;
  }
  const ids = list.map((one) => (isObject(one) && typeof one["id"] === "string" ? one["id"] : ""));
  const given = ids.filter((id) => id !== "");
  const id = segment === "" ? undefined : pick(segment, given, loose);
  return id === undefined ? `no entry of this list has that id${suggest(segment, given)}` : ids.indexOf(id);
}

/** Puts a value into the tree. Returns the path that it went to and those of the containers it made, or why it could not. */
export function applyOverride(
  tree: Record<string, unknown>,
  override: Override,
  schema: Shape,
): { path: Path; made: Path[] } | Refusal {
  const { name, segments, loose } = override;
  const refuse = (path: Path, message: string): Refusal => ({ name, path, message });
  if (segments.length === 0 || segments.length > 32) return refuse([], "names nothing: write a path such as log.level");
  if (override.value.length > LONGEST_VALUE) return refuse([], `has more than ${LONGEST_VALUE} characters`);

  const steps: Step[] = [];
  let shapes: Shape[] = [schema];
  let current: unknown = tree;
  for (const segment of segments) {
    const path = steps.map(({ key }) => key);
    let key: string | number;
    const list = Array.isArray(current) ? current : isObject(current) ? undefined : defaultList(shapes);
    if (list) {
      const found = entry(segment, list, loose);
      if (typeof found === "string") return refuse(path, found);
      key = found;
      current = list[found];
    } else {
      const present = isObject(current) ? Object.keys(current) : [];
      const known = keysOf(shapes);
      key = pick(segment, known, loose) ?? pick(segment, present, loose) ?? segment;
      current = isObject(current) ? current[key] : undefined;
    }
    const below = segment === "" || key === "__proto__" ? [] : childShapes(shapes, key);
    if (below.length === 0) return refuse(path, `names no key of the configuration${suggest(segment, keysOf(shapes))}`);
    shapes = below;
    steps.push({ key, list });
  }

  const value = readValue(override.value, shapes);
  const path = steps.map(({ key }) => key);
  return value instanceof Error ? refuse(path, value.message) : put(tree, steps, value);
}

/** What a list that the file leaves out has in it before an override changes one entry; undefined where no list goes. */
function defaultList(shapes: readonly Shape[]): readonly unknown[] | undefined {
  const types = typesOf(shapes);
  if (!types.has("array") || types.has("object")) return undefined;
  return shapes.map((shape) => shape.default).find(Array.isArray) ?? [];
}

interface Step {
  readonly key: string | number;
  /** Set where the key is one of a list: what is in the list already. */
  readonly list: readonly unknown[] | undefined;
}

/** Containers on the way are made; one that is there but is no container (a slip in the file) is replaced. */
function put(tree: Record<string, unknown>, steps: readonly Step[], value: unknown) {
  const made: Path[] = [];
  const path = steps.map(({ key }) => key);
  let container: unknown = tree;
  for (const [index, { key }] of steps.entries()) {
    const next = steps[index + 1];
    let child = next === undefined ? value : member(container, key);
    if (next !== undefined && !(next.list ? Array.isArray(child) : isObject(child))) {
      child = next.list ? [...next.list] : Object.create(null);
      made.push(path.slice(0, index + 1));
    }
    if (Array.isArray(container) && typeof key === "number") {
      if (child === undefined) container.splice(key, 1);
      else container[key] = child;
    } else if (isObject(container)) {
      if (child === undefined) delete container[key];
      else container[key] = child;
    }
    container = child;
  }
  return { path, made };
}

function member(container: unknown, key: string | number): unknown {
  if (Array.isArray(container)) return typeof key === "number" ? container[key] : undefined;
  return isObject(container) ? container[key] : undefined;
}

/**
 * The value as YAML reads it, undefined for "nothing here". Where only text fits it is taken as it stands: a password
 * may look like a number, or have a # in it.
 */
function readValue(text: string, shapes: readonly Shape[]): unknown {
  if (/^\s*(~|null)?\s*$/.test(text)) return undefined;
  const types = typesOf(shapes);
  const onlyText = types.size === 1 && types.has("string");
  if (onlyText && !/^\s*["']/.test(text)) return text;
  const { tree, faults } = readDocument(text);
  const fault = faults[0];
  if (types.has("string") && (fault !== undefined || (typeof tree !== "object" && !types.has(typeof tree))))
    return text;
  return fault === undefined ? tree : new Error(`the value is not understood as YAML: ${fault.message}`);
}
