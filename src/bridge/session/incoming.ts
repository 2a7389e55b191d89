import type { Message } from "../../core/message.js";
import type { AckPacket, PublishPacket } from "../../protocols/mqtt/index.js";
import type { Connection } from "../connection/connection.js";
import type { SessionStore } from "./session.js";

export interface IncomingOptions {
  readonly store: SessionStore;
  /** Takes a message as the upstream sent it. Never rejects: what cannot be taken is said and dropped there. */
  readonly deliver: (message: Message) => Promise<void>;
}

/** Messages that may wait for their delivery before nothing more is read. */
const MOST_WAITING = 256;

/**
 * Takes what the upstream sends, one after another, and acknowledges each once it was delivered (MQTT 4.3). A QoS 2 message is
 * noted before its PUBREC, and forgotten before its PUBCOMP, so that it is delivered once even if the gateway is killed between.
 */
export class IncomingMessages {
  readonly #options: IncomingOptions;
  /** Packet ids between our PUBREC and our PUBCOMP: what comes again under one of these is the same message (MQTT-4.3.3-10). */
  readonly #received: Set<number>;
  #connection: Connection | undefined;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#received = new Set(options.store.recovered.received);
  }

  /** A connection is there. On a new session the upstream uses packet ids anew. */
  connected(connection: Connection, sessionPresent: boolean): void {
    this.#connection = connection;
    if (sessionPresent || this.#received.size === 0) return;
    const forgotten = [...this.#received].map((id) => ({ kind: "completed", id }) as const);
    this.#received.clear();
    void this.#options.store.record(forgotten).catch(() => {});
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  take(packet: PublishPacket | AckPacket): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    // Views of what the socket read: kept while it waits, so copied.
    const kept = packet.kind === "publish" ? { ...packet, payload: Buffer.from(packet.payload) } : packet;
    this.#waiting += 1;
    if (this.#waiting === MOST_WAITING) connection.pause();
    this.#last = this.#last
      .then(() => (kept.kind === "publish" ? this.#publish(kept, connection) : this.#pubrel(kept, connection)))
      // A store that closes: nothing may follow from it any more, an acknowledgement least of all.
      .catch(() => {})
      .then(() => {
        this.#waiting -= 1;
        if (this.#waiting === MOST_WAITING - 1) this.#connection?.resume();
      });
  }

  /** Resolves when all that was taken is delivered. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #publish(packet: PublishPacket, connection: Connection): Promise<void> {
    const { topic, payload, qos, retain } = packet;
    if (packet.qos === 2 && this.#received.has(packet.packetId))
      return this.#answer(connection, "pubrec", packet.packetId);
    await this.#options.deliver({ topic, payload, qos, retain });
    if (packet.qos === 0) return;
    if (packet.qos === 1) return this.#answer(connection, "puback", packet.packetId);
    this.#received.add(packet.packetId);
    await this.#options.store.record([{ kind: "received", id: packet.packetId }]);
    this.#answer(connection, "pubrec", packet.packetId);
  }

  async #pubrel({ packetId }: AckPacket, connection: Connection): Promise<void> {
    if (this.#received.delete(packetId)) await this.#options.store.record([{ kind: "completed", id: packetId }]);
    // Unknown ids too (MQTT-4.3.3-11): our PUBCOMP was lost.
    this.#answer(connection, "pubcomp", packetId);
  }

  #answer(connection: Connection, kind: "puback" | "pubrec" | "pubcomp", packetId: number): void {
    // On another connection it would answer something else.
    if (connection !== this.#connection) return;
    connection.writer.ack(kind, packetId);
    connection.flush();
  }
}
