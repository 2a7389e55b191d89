import { packetIdOf } from "./packet-id.js";
import type { Lane } from "./session.js";

/**
 * Places in a lane that may have been sent at QoS 2 in a life before this one and whose messages are not there any more: they
 * expired meanwhile, or had to make room. The upstream may still wait for their PUBREL, and would one day take another message
 * under that packet id for them. So their PUBREL is sent: what the upstream had it may keep, and an id that it does not know
 * it only answers (MQTT-4.3.3-11; MQTT 5 with reason 0x92). Pure.
 */
export class Gaps {
  readonly #lane: Lane;
  /** The first place that nothing is known of yet, and the last that may have been sent. */
  #next: number;
  readonly #last: number;

  constructor(lane: Lane, settled: number, last: number) {
    this.#lane = lane;
    this.#next = settled + 1;
    this.#last = last;
  }

  /** What is there next takes these places: the packet ids of those that were skipped. */
  upTo(first: number, last: number): number[] {
    const ids: number[] = [];
    for (; this.#next < first && this.#next <= this.#last; this.#next += 1)
      ids.push(packetIdOf(this.#lane, this.#next));
    this.#next = Math.max(this.#next, last + 1);
    return ids;
  }

  /** Nothing is there any more. */
  rest(): number[] {
    return this.upTo(this.#last + 1, this.#last);
  }
}
