import { plain } from "../../config/problems.js";
import type { Setting } from "./lines.js";

/** What a person has to know of one line. */
export interface Note {
  readonly file: string;
  /** Undefined where the file as a whole is meant. */
  readonly line: number | undefined;
  readonly message: string;
  /** `error`: messages, an upstream or clients that mosquitto served are not served by what came out. */
  readonly level: "error" | "note";
}

/** `mosquitto.conf:12: error: ...` */
export function formatNote({ file, line, message, level }: Note): string {
  return plain(`${file}${line === undefined ? "" : `:${line}`}: ${level === "error" ? "error: " : ""}${message}`);
}

export type Place = Pick<Setting, "file" | "line">;

/** Collects notes in the order in which they are found. */
export class Notes {
  readonly #notes: Note[] = [];
  readonly #told = new Set<string>();

  error({ file, line }: { readonly file: string; readonly line?: number | undefined }, message: string): void {
    this.#notes.push({ file, line, message, level: "error" });
  }

  note({ file, line }: Place, message: string): void {
    this.#notes.push({ file, line, message, level: "note" });
  }

  /** A key that ten connections have is told of once. */
  once(setting: Setting, message: string): void {
    if (this.#told.has(setting.key)) return;
    this.#told.add(setting.key);
    this.note(setting, `${setting.key}: ${message}`);
  }

  /** File by file in the order of reading, line by line within one. */
  sorted(files: readonly string[]): Note[] {
    const order = new Map(files.map((file, index) => [file, index]));
    const rank = ({ file }: Note): number => order.get(file) ?? files.length;
    return [...this.#notes].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
  }
}
