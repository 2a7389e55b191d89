// Node's own reporter (spec on a terminal, TAP elsewhere, whatever the version of Node), with one addition: what failed, what
// was skipped, and what to install, is said just before the runner's closing lines, where somebody reads it.
import { relative } from "node:path";
import { cwd, stdout } from "node:process";
import { pipeline, Readable } from "node:stream";
import { spec, tap } from "node:test/reporters";
import { skipNotes } from "./skips.mjs";

/** The first of the runner's closing lines: `tests 123`. */
const CLOSING = /^tests \d+$/;

/** Characters of a failure's own words that are repeated at the end. */
const MAX_WORDS = 1000;

/** @param {{ name: string, file?: string, line?: number, details: { error: Error } }} failure */
function failureNote({ name, file, line, details }) {
  const { cause, message } = details.error;
  const words = (cause instanceof Error ? cause.message : String(cause ?? message)).trim().slice(0, MAX_WORDS);
  const where = file === undefined ? "" : ` (${relative(cwd(), file)}${line === undefined ? "" : `:${line}`})`;
  return `FAILED: ${name}${where}: ${words}`.replaceAll("\n", " | ");
}

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
async function* withNotes(source) {
  /** @type {string[]} */
  const reasons = [];
  /** @type {string[]} */
  const failures = [];
  for await (const event of source) {
    if (event.type === "test:fail") failures.push(failureNote(event.data));
    if (event.type === "test:pass" && event.data.skip !== undefined && event.data.skip !== false) {
      reasons.push(typeof event.data.skip === "string" ? event.data.skip : "");
    }
    if (event.type === "test:diagnostic" && event.data.nesting === 0 && CLOSING.test(event.data.message)) {
      for (const message of [...failures, ...skipNotes(reasons)]) yield { ...event, data: { ...event.data, message } };
    }
    yield event;
  }
}

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* report(source) {
  const events = withNotes(source);
  if (!stdout.isTTY) {
    yield* tap(events);
    return;
  }
  const formatter = new spec();
  // A failure of the source destroys the formatter, so that the loop below throws it: nothing to add here.
  pipeline(Readable.from(events), formatter, () => {});
  yield* formatter;
}
