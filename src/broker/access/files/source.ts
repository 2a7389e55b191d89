import { readText } from "../../../config/files.js";
import type { LineProblem } from "../problem.js";

/** Tens of thousands of users, bytes: `readText` takes no more memory than this. */
const LARGEST = 4 * 2 ** 20;

export type Parsed<T> = { readonly value: T; readonly problems: readonly LineProblem[] };

/** A file and what was last read of it without a fault. */
export class Source<T> {
  readonly path: string;
  readonly #parse: (text: string) => Parsed<T> | string;
  #value: T | undefined;

  constructor(path: string, parse: (text: string) => Parsed<T> | string) {
    this.path = path;
    this.#parse = parse;
  }

  /** Reads it anew. What is wrong with it, a line each, and then what was read before still holds; undefined where nothing is. */
  load(): string[] | undefined {
    const read = readText(this.path, LARGEST);
    if ("problem" in read) return [`${this.path} ${read.problem}`];
    const parsed = this.#parse(read.text);
    if (typeof parsed === "string") return [`${this.path} ${parsed}`];
    if (parsed.problems.length > 0)
      return parsed.problems.map(({ line, message }) => `${this.path}:${line}: ${message}`);
    this.#value = parsed.value;
    return undefined;
  }

  /** Of the last reading that went well. */
  get value(): T {
    if (this.#value === undefined) throw new Error(`${this.path} was not loaded`);
    return this.#value;
  }
}
