import type { Qos } from "../../core/message.js";
import { packetIdOf } from "./packet-id.js";
import type { Exchange, Parcel } from "./parcel.js";

export type Acknowledgement = "puback" | "pubrec" | "pubcomp";

/** What an acknowledgement means for the exchange that it belongs to. */
export type Outcome =
  | { readonly kind: "done"; readonly exchange: Exchange }
  /** The upstream took it over: note that, then `released`. */
  | { readonly kind: "note"; readonly exchange: Exchange }
  /** PUBREC came again: PUBREL goes again (MQTT-4.3.3-2). */
  | { readonly kind: "release"; readonly exchange: Exchange }
  /** MQTT 5: the upstream will not have it, now or ever. The exchange is over and still here. */
  | { readonly kind: "refused"; readonly exchange: Exchange; readonly reasonCode: number }
  /** It belongs to nothing, or to something else: late, or a slip of the upstream. */
  | { readonly kind: "stray" };

const STRAY: Outcome = { kind: "stray" };

/**
 * The PUBLISH packets of QoS 1 and 2 that are on their way, and how far each has come (MQTT 4.3). Outlives connections: what
 * is here is sent again on the next one, in the old order (MQTT-4.6.0-1). Pure.
 */
export class Exchanges {
  readonly #byId = new Map<number, Exchange>();
  #exactlyOnce = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** How many of them are QoS 2. */
  get exactlyOnce(): number {
    return this.#exactlyOnce;
  }

  /** In the order in which they were begun. */
  all(): IterableIterator<Exchange> {
    return this.#byId.values();
  }

  has(packetId: number): boolean {
    return this.#byId.has(packetId);
  }

  /** `noted`: the upstream is known to have taken it over, in a life before this one. */
  begin(parcel: Parcel, qos: Exclude<Qos, 0>, sent: boolean, noted: boolean): Exchange {
    const packetId = packetIdOf(parcel.lane, parcel.first);
    const exchange: Exchange = {
      packetId,
      parcel,
      qos: noted ? 2 : qos,
      stage: noted ? "release" : "publish",
      sent,
      open: false,
      refusals: 0,
    };
    this.#byId.set(packetId, exchange);
    if (exchange.qos === 2) this.#exactlyOnce += 1;
    return exchange;
  }

  /** Sent again with another QoS than before, on a new session. */
  lower(exchange: Exchange, qos: Exclude<Qos, 0>): void {
    if (exchange.qos === 2 && qos === 1) this.#exactlyOnce -= 1;
    if (exchange.qos === 1 && qos === 2) this.#exactlyOnce += 1;
    exchange.qos = qos;
  }

  answer(kind: Acknowledgement, packetId: number, reasonCode: number): Outcome {
    const exchange = this.#byId.get(packetId);
    if (exchange === undefined) return STRAY;
    const { stage } = exchange;
    if (kind === "pubcomp") {
      // Packet Identifier not found (0x92) says that it was completed before: the upstream owns it all the same.
      return stage === "release" ? this.#done(exchange) : STRAY;
    }
    // MQTT-4.3.3-4 and, in 5, 4.3.3-4 too: after PUBREC there is no way back to PUBLISH.
    if (stage !== "publish" || !exchange.sent) {
      return kind === "pubrec" && stage === "release" ? { kind: "release", exchange } : STRAY;
    }
    if (reasonCode >= 0x80) return { kind: "refused", exchange, reasonCode };
    // RabbitMQ answers QoS 2 with PUBACK: it has lowered it to 1, and this is all that will come.
    if (kind === "puback") return this.#done(exchange);
    if (exchange.qos !== 2) return STRAY;
    exchange.stage = "noting";
    return { kind: "note", exchange };
  }

  remove(exchange: Exchange): void {
    if (!this.#byId.delete(exchange.packetId)) return;
    if (exchange.qos === 2) this.#exactlyOnce -= 1;
  }

  #done(exchange: Exchange): Outcome {
    this.remove(exchange);
    return { kind: "done", exchange };
  }
}
