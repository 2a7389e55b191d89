import type { Qos } from "../../core/message.js";
import { packetIdOf } from "./packet-id.js";
import { type Exchange, type Parcel, sizeOfParcel } from "./parcel.js";

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
  #bytes = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** Of topics and payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** In the order in which they were begun. */
  all(): IterableIterator<Exchange> {
    return this.#byId.values();
  }

  has(packetId: number): boolean {
    return this.#byId.has(packetId);
  }

  /** Whether it is not over. */
  holds(exchange: Exchange): boolean {
    return this.#byId.get(exchange.packetId) === exchange;
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
    this.#bytes += sizeOfParcel(parcel);
    return exchange;
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
    if (this.#byId.delete(exchange.packetId)) this.#bytes -= sizeOfParcel(exchange.parcel);
  }

  #done(exchange: Exchange): Outcome {
    this.remove(exchange);
    return { kind: "done", exchange };
  }
}
