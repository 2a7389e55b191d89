import type { Qos } from "../../core/message.js";

/**
 * How many QoS 2 messages are on their way at once where the upstream does not say what it takes (MQTT 3.1.1 cannot;
 * MQTT 5 has Receive Maximum). mosquitto takes 20 messages (`max_inflight_messages`), and its version 2.0.11 acknowledges QoS 2
 * beyond that and then loses it, and drops the connection for one of QoS 1 beyond it: so one is left for that.
 */
const QOS2_UNASKED = 19;

/** How many PUBLISH packets of QoS 1 and 2 are unacknowledged on one connection, and whether there is room for one more. Pure. */
export class Window {
  readonly #limit: number;
  readonly #exactlyOnceLimit: number;
  #all = 0;
  #exactlyOnce = 0;

  /** `receiveMaximum` as the upstream's CONNACK has it (MQTT 5 3.2.2.3.3); undefined where it has none. */
  constructor(limit: number, version: 4 | 5, receiveMaximum: number | undefined) {
    this.#limit = Math.min(limit, receiveMaximum ?? limit);
    // In MQTT 5 leaving it out means 65,535.
    this.#exactlyOnceLimit = Math.min(limit, receiveMaximum ?? (version === 5 ? limit : QOS2_UNASKED));
  }

  fits(qos: Qos): boolean {
    return this.#all < this.#limit && (qos !== 2 || this.#exactlyOnce < this.#exactlyOnceLimit);
  }

  add(qos: Qos): void {
    this.#all += 1;
    if (qos === 2) this.#exactlyOnce += 1;
  }

  remove(qos: Qos): void {
    this.#all -= 1;
    if (qos === 2) this.#exactlyOnce -= 1;
  }
}
