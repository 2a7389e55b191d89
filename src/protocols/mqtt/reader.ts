import { Cursor } from "./cursor.js";
import { MqttError, malformed, protocolError } from "./error.js";
import type { AckKind, Packet, ProtocolVersion, PublishPacket } from "./packet.js";
import {
  CONNACK,
  CONNECT,
  PINGREQ,
  PINGRESP,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREL,
  SUBACK,
  SUBSCRIBE,
  UNSUBACK,
  UNSUBSCRIBE,
} from "./packet-type.js";
import type { PublishProperties } from "./properties.js";
import { readPacket, zeroPacketId } from "./read-packet.js";
import { readProperties } from "./read-properties.js";
import { decodeTopicName } from "./text.js";

export interface PacketReaderOptions {
  /** Of the connection; a CONNECT brings its own. */
  readonly version: ProtocolVersion;
  /** Who sends: what only the other one sends is refused unread. Left out: anything is read. */
  readonly from?: "client" | "server";
  /** The largest whole packet, fixed header included (MQTT 5 3.1.2.11.4). */
  readonly maxPacketBytes: number;
  /**
   * Called within `push`. The packet's payload and other bytes are views of the chunk: valid until this returns, if the
   * chunk's owner uses it again; and a small view keeps a large chunk in memory. Who keeps them copies them.
   * What this throws ends the reader and comes out of `push`: so to refuse a packet that is wrong only in its place.
   */
  readonly receive: (packet: Packet) => void;
}

/** What is held of a packet that is not whole grows from here, not from what its length claims. */
const FIRST_HOLD = 1024;
const NOTHING = new Uint8Array(0);
const NO_BYTES = Buffer.alloc(0);
const ONLY_CLIENTS = [CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ];
const ONLY_SERVERS = [CONNACK, SUBACK, UNSUBACK, PINGRESP];
const bits = (types: readonly number[]): number => types.reduce((all, type) => all | (1 << type), 0);
const FOREIGN = { client: bits(ONLY_SERVERS), server: bits(ONLY_CLIENTS) } as const;
const ACKS: readonly AckKind[] = ["puback", "pubrec", "pubrel", "pubcomp"];

/**
 * Cuts a byte stream into packets and reads them, strictly. Invariants, for any bytes split in any way:
 * - the packets that come out do not depend on the split;
 * - at most `maxPacketBytes` are held, and at most twice what has come of the packet (1 KiB for less); a larger packet is
 *   refused at its header;
 * - time is linear in the bytes; only MqttError is thrown (and what `receive` throws), and each later push throws it again.
 */
export class PacketReader {
  #max: number;
  readonly #receive: (packet: Packet) => void;
  /** A bit for each type that does not come. */
  readonly #foreign: number;
  readonly #cursor: Cursor;
  /** The beginning of a packet that is not whole. */
  #held: Buffer = NO_BYTES;
  #heldLength = 0;
  /** Of the packet whose header was read last: the bytes of the header, and of the whole. */
  #header = 0;
  #size = 0;
  #failure: { readonly reason: unknown } | undefined;

  constructor({ version, from, maxPacketBytes, receive }: PacketReaderOptions) {
    this.#max = maxPacketBytes;
    this.#receive = receive;
    this.#foreign = from === undefined ? 0 : FOREIGN[from];
    this.#cursor = new Cursor(version);
  }

  get version(): ProtocolVersion {
    return this.#cursor.version;
  }

  set version(version: ProtocolVersion) {
    this.#cursor.version = version;
  }

  /** From the next header on. */
  set maxPacketBytes(bytes: number) {
    this.#max = bytes;
  }

  /** Bytes held of a packet that is not whole. */
  get pending(): number {
    return this.#heldLength;
  }

  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    try {
      const at = this.#readWhole(bytes, this.#heldLength > 0 ? this.#resume(bytes) : 0);
      if (at < bytes.length) this.#hold(bytes, at, bytes.length);
    } catch (reason) {
      this.#failure = { reason };
      this.#release();
      throw reason;
    } finally {
      this.#cursor.clear();
    }
  }

  /** Reads the packets that are whole in `bytes`, and says where the first one begins that is not. */
  #readWhole(bytes: Buffer, start: number): number {
    let at = start;
    while (this.#readHeader(bytes, at, bytes.length) && at + this.#size <= bytes.length) {
      const end = at + this.#size;
      this.#read(bytes, at, end);
      at = end;
    }
    return at;
  }

  /** False where it goes on beyond `end`. Sets `#header` and `#size`. */
  #readHeader(bytes: Buffer, start: number, end: number): boolean {
    let at = start + 1;
    let remaining = 0;
    for (let shift = 0; at < end; shift += 7) {
      const byte = bytes[at++] ?? 0;
      remaining |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#header = at - start;
        this.#size = this.#header + remaining;
        if (this.#size > this.#max) {
          throw new MqttError("TOO_LARGE", `a packet of ${this.#size} bytes, of ${this.#max} at most`);
        }
        return true;
      }
      if (shift === 21) throw malformed("a remaining length of more than 4 bytes [MQTT 2.2.3, MQTT 5 1.5.5]");
    }
    return false;
  }

  #read(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start] ?? 0;
    const body = start + this.#header;
    const type = first >> 4;
    let packet: Packet;
    if ((this.#foreign & (1 << type)) !== 0) {
      throw protocolError(`a packet of type ${type}, which only the other side sends [MQTT 2.2.1]`);
    }
    if (type === PUBLISH) {
      packet = this.#readPublish(first, bytes, body, end);
    } else if (end === body + 2 && type >= PUBACK && type <= PUBCOMP && (first & 0x0f) === (type === PUBREL ? 2 : 0)) {
      const packetId = ((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0);
      if (packetId === 0) throw zeroPacketId();
      packet = { kind: ACKS[type - PUBACK] ?? "puback", packetId, reasonCode: 0 };
    } else {
      packet = readPacket(first, this.#cursor.over(bytes, body, end));
    }
    // Looked at here because a CONNECT says only in its body whether it matters: MQTT 3.1.1 2.2.3 allows it.
    if (body - start > 2 && bytes[body - 1] === 0 && this.#cursor.version === 5) {
      throw malformed("a remaining length in more bytes than it needs [MQTT-1.5.5-1]");
    }
    this.#receive(packet);
  }

  #readPublish(first: number, bytes: Buffer, body: number, end: number): PublishPacket {
    const qos = (first >> 1) & 3;
    const dup = (first & 8) !== 0;
    const retain = (first & 1) !== 0;
    const topicStart = body + 2;
    const topicEnd = topicStart + (((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0));
    let at = qos === 0 ? topicEnd : topicEnd + 2;
    if (topicStart > end || at > end) throw malformed("a PUBLISH that ends before its payload begins");
    let properties: PublishProperties | undefined;
    if (this.#cursor.version === 5) {
      // No properties is what most have.
      if (at < end && bytes[at] === 0) {
        at++;
      } else {
        properties = readProperties(this.#cursor.over(bytes, at, end), PUBLISH);
        at = this.#cursor.at;
      }
    }
    const topic = topicStart === topicEnd ? aliased(properties) : decodeTopicName(bytes, topicStart, topicEnd);
    const payload = at === end ? NOTHING : new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at);
    if (qos === 0) {
      if (dup) throw malformed("DUP at QoS 0 [MQTT-3.3.1-2]");
      return properties === undefined
        ? { kind: "publish", topic, payload, qos, retain, dup }
        : { kind: "publish", topic, payload, qos, retain, dup, properties };
    }
    if (qos === 3) throw malformed("a PUBLISH at QoS 3 [MQTT-3.3.1-4]");
    const packetId = ((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0);
    if (packetId === 0) throw zeroPacketId();
    return properties === undefined
      ? { kind: "publish", topic, payload, qos: qos === 1 ? 1 : 2, retain, dup, packetId }
      : { kind: "publish", topic, payload, qos: qos === 1 ? 1 : 2, retain, dup, packetId, properties };
  }

  /** Goes on with the packet that is held, and says where in `bytes` it ends. */
  #resume(bytes: Buffer): number {
    let at = 0;
    // Byte by byte until the header is there: it is at most 5 bytes, and says how many more belong to the packet.
    while (!this.#readHeader(this.#held, 0, this.#heldLength)) {
      if (at === bytes.length) return at;
      this.#hold(bytes, at, at + 1);
      at++;
    }
    const end = Math.min(bytes.length, at + this.#size - this.#heldLength);
    this.#hold(bytes, at, end);
    if (this.#heldLength < this.#size) return end;
    const packet = this.#held;
    // Views of it may be kept: the next packet that is not whole gets bytes of its own.
    this.#release();
    this.#read(packet, 0, this.#size);
    return end;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const length = this.#heldLength + end - start;
    if (length > this.#held.length) {
      // Doubled, so that a large packet in small chunks is not copied once for each.
      const room = Math.max(length, Math.min(this.#max, Math.max(FIRST_HOLD, this.#held.length * 2)));
      const grown = Buffer.allocUnsafeSlow(room);
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = length;
  }

  #release(): void {
    this.#held = NO_BYTES;
    this.#heldLength = 0;
  }
}

/** A PUBLISH without a topic name has an alias for one (MQTT 5 3.3.2.1); before MQTT 5 there is none. */
function aliased(properties: PublishProperties | undefined): string {
  if (properties?.topicAlias !== undefined) return "";
  throw protocolError("a PUBLISH without a topic [MQTT-4.7.3-1, MQTT 5 3.3.2.1]");
}
