import type { CoapRead } from "../../../src/profile/index.js";
import { startObserving } from "./observing.js";
import { startPolling } from "./polling.js";
import type { ReadContext } from "./read-context.js";

/** Polls and observes what the profile says. Returns what ends it. */
export function startReads(reads: readonly CoapRead[], context: ReadContext): () => void {
  const ends = reads.flatMap((read) => {
    if (read.how === "get" || read.every === undefined) return [];
    return [(read.how === "poll" ? startPolling : startObserving)(read, read.every, context)];
  });
  return () => {
    for (const end of ends) end();
  };
}
