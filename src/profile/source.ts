import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { messageOf } from "../core/errors.js";
import type { ProfileProblem } from "./problem.js";

export type Path = readonly (string | number)[];

/** A YAML text that knows where everything in it stands. */
export interface Source {
  /** Mistakes of the YAML itself. With any, `data` is undefined. */
  readonly problems: readonly ProfileProblem[];
  readonly data: unknown;
  /** A problem at the value of `path`, or at the nearest thing around it that is there. */
  problem(path: Path, message: string): ProfileProblem;
  /** A problem at the key of `path`. */
  problemAtKey(path: Path, message: string): ProfileProblem;
}

/** Aliases multiply: this bounds what one file can unfold to. */
const MAX_ALIASES = 100;

/** What a mapping's key is called in a path. */
function keyName(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

/** The value below `node` for one step of a path, and the key it stands behind. */
function child(node: Node | null, step: string | number): { key: Node | undefined; value: Node | null } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => keyName(item.key) === String(step));
    if (pair === undefined) return undefined;
    return { key: isNode(pair.key) ? pair.key : undefined, value: isNode(pair.value) ? pair.value : null };
  }
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? { key: undefined, value: item } : undefined;
  }
  return undefined;
}

/** Where in the text the value (or the key) of a path begins. */
function offsetOf(document: Document.Parsed, path: Path, want: "value" | "key"): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const found = child(node, step);
    if (found === undefined) break;
    const keyOffset = found.key?.range?.[0];
    const valueOffset = found.value?.range?.[0];
    const last = index === path.length - 1;
    offset = (last && want === "key" ? keyOffset : undefined) ?? valueOffset ?? keyOffset ?? offset;
    // The content of a mapping begins at its first key, which says less than the key that it stands behind.
    if (keyOffset !== undefined && (isMap(found.value) || isSeq(found.value))) offset = keyOffset;
    node = found.value;
  }
  return offset;
}

/** `serial.messages.measurement`, `samples[2].hex` */
export function showPath(path: Path): string {
  let text = "";
  for (const step of path) {
    text += typeof step === "number" ? `[${step}]` : `${text === "" ? "" : "."}${step}`;
  }
  return text;
}

export function parseSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });

  function at(offset: number, path: Path, message: string): ProfileProblem {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path: showPath(path), message };
  }

  const problems = [...document.errors, ...document.warnings].map((error) =>
    at(error.pos[0], [], `not sound YAML: ${error.message}`),
  );
  let data: unknown;
  if (problems.length === 0) {
    try {
      data = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      // The aliases unfold to too much.
      problems.push(at(0, [], `not sound YAML: ${messageOf(error)}`));
    }
  }
  return {
    problems,
    data,
    problem: (path, message) => at(offsetOf(document, path, "value"), path, message),
    problemAtKey: (path, message) => at(offsetOf(document, path, "key"), path, message),
  };
}
