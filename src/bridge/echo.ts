import { createHash } from "node:crypto";
import type { Message } from "../core/message.js";

/** How long an echo may take, in ms. */
const LONGEST = 60_000;
/** Messages that are remembered at most. */
const MOST = 10_000;

/**
 * Knows what went up by a rule for both directions when it comes back down: MQTT 3.1.1 sends a client what it published itself
 * where it subscribes to it (MQTT 5 has No Local). Remembers topic and payload of each, once for each time that it was
 * sent, for a while. Times in ms from any fixed start. Pure.
 */
export class Echoes {
  /** In the order of the last time each was sent. */
  readonly #sent = new Map<string, { times: number; at: number }>();

  sent(message: Message, now: number): void {
    const key = keyOf(message);
    const times = (this.#sent.get(key)?.times ?? 0) + 1;
    this.#sent.delete(key);
    this.#sent.set(key, { times, at: now });
    for (const [oldest, { at }] of this.#sent) {
      if (this.#sent.size <= MOST && now - at <= LONGEST) break;
      this.#sent.delete(oldest);
    }
  }

  /** Whether it is one of those, which then is forgotten. */
  returned(message: Message, now: number): boolean {
    const key = keyOf(message);
    const found = this.#sent.get(key);
    if (found === undefined || now - found.at > LONGEST) return false;
    found.times -= 1;
    if (found.times === 0) this.#sent.delete(key);
    return true;
  }
}

function keyOf({ topic, payload }: Message): string {
  return createHash("sha1").update(topic).update("\0").update(payload).digest("base64");
}
