import { Composer, type CST, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, type Scalar } from "yaml";
import { type Path, pathKey } from "./problems.js";
import { explainSyntax } from "./syntax.js";

/**
 * A YAML text as a tree of plain values that knows where each of them stands. Text is hostile: its depth, tokens and
 * values are bounded while it is read, so that no text of a bounded size costs more than about a second and 200 MB.
 */

const MAX_DEPTH = 64;
/** What a text of 1 MiB with ordinary keys and values comes to, with room: memory is about 300 bytes a token. */
const MAX_TOKENS = 500_000;
/** Values after aliases were followed: an alias bomb ends here. */
const MAX_VALUES = 200_000;
/** One slip makes many errors below it; the first ones tell. */
const MAX_SYNTAX_FAULTS = 20;

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface Fault {
  readonly position: Position;
  readonly path: Path;
  readonly message: string;
}

export interface ConfigDocument {
  /** Objects (without a prototype), arrays, text, numbers, booleans. Keys with nothing after them are left out. `{}` if the text is empty. */
  readonly tree: unknown;
  /** If there are any, `tree` may lack what was wrong. */
  readonly faults: readonly Fault[];
  /** Where a value stands, or the nearest key around it where it is missing. */
  valueAt(path: Path): Position;
  /** Where a key stands. */
  keyAt(path: Path): Position;
}

interface Place {
  readonly key: number | undefined;
  readonly value: number | undefined;
}

class TooMuch extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Reads a text. Never throws: whatever is wrong is among the faults. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const places = new Map<string, Place>();
  const faults: Fault[] = [];
  let tree: unknown = {};
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const fault = (offset: number, path: Path, message: string): void => {
    faults.push({ position: position(offset), path, message });
  };
  try {
    const documents = compose(tokens(text, lines), text.length);
    const [document, second] = documents;
    const errors = [...(document?.errors ?? []), ...(document?.warnings ?? [])].sort((a, b) => a.pos[0] - b.pos[0]);
    // What follows on the same line follows from the first error there.
    const told = new Set<number>();
    for (const { pos, code } of errors) {
      const { line } = position(pos[0]);
      if (!told.has(line) && told.size < MAX_SYNTAX_FAULTS) fault(pos[0], [], explainSyntax(code));
      told.add(line);
    }
    if (second)
      fault(second.range[0], [], "a second document begins here: a configuration is one document, without ---");
    if (document && faults.length === 0) tree = convert(document.contents, places, fault) ?? {};
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    fault(error.offset, [], error.message);
  }
  const nearest = (path: Path, pick: (place: Place) => number | undefined): Position => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(pathKey(path.slice(0, length)));
      const offset = place && (length === path.length ? pick(place) : (place.key ?? place.value));
      if (offset !== undefined) return position(offset);
    }
    return { line: 1, column: 1 };
  };
  return {
    tree,
    faults,
    valueAt: (path) => nearest(path, (place) => place.value ?? place.key),
    keyAt: (path) => nearest(path, (place) => place.key ?? place.value),
  };
}

/** The bound on depth is checked token by token: `yaml` recurses, and would run out of stack or memory first. */
function tokens(text: string, lines: LineCounter): CST.Token[] {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const found: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    found.push(...parser.next(lexeme));
    // The stack holds a collection and its item for each level, and one entry for the document.
    if (parser.stack.length > 3 * MAX_DEPTH) throw new TooMuch(parser.offset, "nested too deeply");
    if (++count > MAX_TOKENS) throw new TooMuch(parser.offset, "too many keys and values");
  }
  found.push(...parser.end());
  return found;
}

function compose(found: readonly CST.Token[], end: number) {
  // uniqueKeys would compare every key with every other; `convert` finds duplicates in linear time.
  const options = { prettyErrors: false, uniqueKeys: false, version: "1.2", logLevel: "silent" } as const;
  return [...new Composer(options).compose(found, true, end)];
}

function convert(
  root: unknown,
  places: Map<string, Place>,
  fault: (offset: number, path: Path, message: string) => void,
) {
  const anchors = new Map<string, unknown>();
  let values = 0;

  function value(node: unknown, path: Path, offset: number): unknown {
    if (++values > MAX_VALUES) throw new TooMuch(offset, "too many values: anchors and aliases multiply them");
    if (path.length > MAX_DEPTH) throw new TooMuch(offset, "nested too deeply, or an alias to what it is part of");
    if (isAlias(node)) {
      if (anchors.has(node.source)) return value(anchors.get(node.source), path, offset);
      fault(
        offset,
        path,
        "an alias (*) to an anchor (&) that does not come before it; put text that begins with * in quotes",
      );
      return undefined;
    }
    if (isScalar(node)) {
      if (node.anchor) anchors.set(node.anchor, node);
      return node.value ?? undefined;
    }
    if (isSeq(node)) {
      if (node.anchor) anchors.set(node.anchor, node);
      return node.items.map((item, index) => {
        const below = [...path, index];
        const at = start(item) ?? offset;
        places.set(pathKey(below), { key: undefined, value: at });
        return value(item, below, at) ?? null;
      });
    }
    if (!isMap(node)) return undefined;
    if (node.anchor) anchors.set(node.anchor, node);
    return members(node.items, path, offset);
  }

  function members(pairs: readonly { key: unknown; value: unknown }[], path: Path, offset: number): unknown {
    const result: Record<string, unknown> = Object.create(null);
    const seen = new Set<string>();
    for (const pair of pairs) {
      const at = start(pair.key) ?? offset;
      if (!isScalar(pair.key)) {
        fault(at, path, "a key must be plain text");
        continue;
      }
      const key = keyText(pair.key);
      const below = [...path, key];
      // Objects of libraries take it for their prototype; no schema has such a key.
      if (key === "__proto__") {
        fault(at, below, "unknown key");
        continue;
      }
      if (seen.has(key)) {
        fault(at, below, "this key is given twice");
        continue;
      }
      seen.add(key);
      const valueOffset = start(pair.value);
      const read = value(pair.value, below, valueOffset ?? at);
      places.set(pathKey(below), { key: at, value: read === undefined ? at : valueOffset });
      if (read !== undefined) result[key] = read;
    }
    return result;
  }

  return value(root, [], start(root) ?? 0);
}

/** Keys are text whatever they look like: a device may be named 7. */
function keyText(key: Scalar): string {
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function start(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}
