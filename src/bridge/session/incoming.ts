import type { Message } from "../../core/message.js";
import type { AckPacket, PublishPacket } from "../../protocols/mqtt/index.js";
import type { Connection } from "../connection/connection.js";
import type { SessionStore } from "./session.js";

/** What is used of a connection. */
export type Answers = Pick<Connection, "writer" | "flush" | "pause" | "resume">;

export interface IncomingOptions {
  readonly store: SessionStore;
  /** Takes a message as the upstream sent it. Never rejects: what cannot be taken is said and dropped there. */
  readonly deliver: (message: Message) => Promise<void>;
}

/** Packets, and bytes of payloads, that may wait for their delivery before nothing more is read. */
const MOST_WAITING = 256;
const MOST_BYTES = 1024 * 1024;

/**
 * Takes what the upstream sends, one after another, and acknowledges each once it was delivered (MQTT 4.3). A QoS 2 message is
 * noted before its PUBREC, and forgotten before its PUBCOMP, so that it is delivered once even if the gateway is killed between.
 */
export class IncomingMessages {
  readonly #options: IncomingOptions;
  /** Packet ids between our PUBREC and our PUBCOMP: what comes again under one of these is the same message (MQTT-4.3.3-10). */
  readonly #received: Set<number>;
  #connection: Answers | undefined;
  /** Counts those of the upstream: a packet id means something within one. */
  #session = 0;
  #waiting = 0;
  #bytes = 0;
  #paused = false;
  #last: Promise<void> = Promise.resolve();

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#received = new Set(options.store.recovered.received);
  }

  /** A connection is there. On a new session, of which the store knows, the upstream uses packet ids anew. */
  connected(connection: Answers, sessionPresent: boolean): void {
    this.#connection = connection;
    this.#paused = false;
    this.#regulate();
    if (sessionPresent) return;
    this.#session += 1;
    this.#received.clear();
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  take(packet: PublishPacket | AckPacket): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    // Views of what the socket read: kept while it waits, so copied.
    const kept = packet.kind === "publish" ? { ...packet, payload: Buffer.from(packet.payload) } : packet;
    const size = kept.kind === "publish" ? kept.payload.length : 0;
    const session = this.#session;
    this.#waiting += 1;
    this.#bytes += size;
    this.#regulate();
    this.#last = this.#last
      .then(() => (kept.kind === "publish" ? this.#publish(kept, connection, session) : this.#pubrel(kept, connection)))
      // A store that closes: nothing may follow from it any more, an acknowledgement least of all.
      .catch(() => {})
      .then(() => {
        this.#waiting -= 1;
        this.#bytes -= size;
        this.#regulate();
      });
  }

  /** What waits may have come over a connection before this one. */
  #regulate(): void {
    const full = this.#waiting >= MOST_WAITING || this.#bytes >= MOST_BYTES;
    if (full === this.#paused || this.#connection === undefined) return;
    this.#paused = full;
    if (full) this.#connection.pause();
    else this.#connection.resume();
  }

  async #publish(packet: PublishPacket, connection: Answers, session: number): Promise<void> {
    const { topic, payload, qos, retain } = packet;
    if (packet.qos === 2 && this.#received.has(packet.packetId))
      return this.#answer(connection, "pubrec", packet.packetId);
    await this.#options.deliver({ topic, payload, qos, retain });
    if (packet.qos === 0) return;
    if (packet.qos === 1) return this.#answer(connection, "puback", packet.packetId);
    // The id is one of a session that is gone: in this one it is that of another message.
    if (session !== this.#session) return;
    this.#received.add(packet.packetId);
    await this.#options.store.record([{ kind: "received", id: packet.packetId }]);
    this.#answer(connection, "pubrec", packet.packetId);
  }

  async #pubrel({ packetId }: AckPacket, connection: Answers): Promise<void> {
    if (this.#received.delete(packetId)) await this.#options.store.record([{ kind: "completed", id: packetId }]);
    // Unknown ids too (MQTT-4.3.3-11): our PUBCOMP was lost.
    this.#answer(connection, "pubcomp", packetId);
  }

  #answer(connection: Answers, kind: "puback" | "pubrec" | "pubcomp", packetId: number): void {
    // On another connection it would answer something else.
    if (connection !== this.#connection) return;
    connection.writer.ack(kind, packetId);
    connection.flush();
  }
}
