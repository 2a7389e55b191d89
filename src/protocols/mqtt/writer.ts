import { ByteWriter, MAX_VARINT, putVarint, textSize, varintSize } from "./byte-writer.js";
import type { AckKind, Packet, ProtocolVersion, PublishFields } from "./packet.js";
import { PUBLISH } from "./packet-type.js";
import { topicNameFault } from "./text.js";
import { writePacket } from "./write-packet.js";
import { sectionSize, writeProperties } from "./write-properties.js";

/** In bytes. A payload from here on is not copied but goes out as a chunk of its own. */
export const LARGE_PAYLOAD = 16_384;
/** A slab is so many times what went out with the last take, within these bounds in bytes. */
const SLAB_FACTOR = 8;
const MIN_SLAB = 1024;
const MAX_SLAB = 65_536;
/** In bytes. After a take of less the slab is let go: nothing may follow for hours, on thousands of connections. */
const FEW = 512;
const NO_BYTES = Buffer.alloc(0);
/** For one packet at a time, of any writer: nothing else runs while it is written. */
const SCRATCH = new ByteWriter();
const ACKS: Readonly<Record<AckKind, number>> = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };

/**
 * Writes packets one behind another, so that one write to a socket carries all of one turn of the event loop.
 * Invariants:
 * - what was taken is never written to again, and holds whole packets only, each as the standard has it;
 * - what cannot be encoded throws RangeError and leaves nothing behind;
 * - a payload of `LARGE_PAYLOAD` bytes or more is given out as it is: its owner must not change it before it was sent.
 */
export class PacketWriter {
  /** A CONNECT is written in its own version and leaves this as it is. */
  version: ProtocolVersion;
  #slab: Buffer = NO_BYTES;
  /** In the slab: what is before `#start` was taken or sealed, from there to `#end` is written. */
  #start = 0;
  #end = 0;
  /** Chunks that are full, in order. */
  #sealed: Uint8Array[] = [];
  #sealedLength = 0;
  #lastTaken = 0;

  constructor(version: ProtocolVersion) {
    this.version = version;
  }

  /** Bytes written and not taken. */
  get length(): number {
    return this.#sealedLength + this.#end - this.#start;
  }

  publish(packet: PublishFields): void {
    const { topic, payload, properties } = packet;
    const section = this.version === 5 ? this.#section(packet) : 0;
    if (section === 0 && properties !== undefined) throw new RangeError("properties: MQTT 5 only");
    if (topic.length === 0 && properties?.topicAlias === undefined) {
      throw new RangeError("topic: empty without a topic alias [MQTT-4.7.3-1, MQTT 5 3.3.2.1]");
    }
    const first = firstByte(packet);
    const inline = payload.length < LARGE_PAYLOAD ? payload.length : 0;
    // Behind the topic, in the remaining length, and in the slab.
    const behind = (packet.qos === 0 ? 0 : 2) + section;
    // Nearly all topics are ASCII: their length is known before they are encoded, and each unit is a byte.
    let at = this.#open(first, 2 + topic.length + behind + payload.length, payload.length - inline);
    at = putAsciiTopic(this.#slab, at, topic);
    if (at < 0) {
      const size = topicSize(topic);
      at = this.#open(first, 2 + size + behind + payload.length, payload.length - inline);
      this.#slab.writeUInt16BE(size, at);
      this.#slab.write(topic, at + 2, "utf8");
      at += 2 + size;
    }
    const slab = this.#slab;
    if (packet.qos !== 0) {
      const { packetId } = packet;
      checkPacketId(packetId);
      slab[at++] = packetId >> 8;
      slab[at++] = packetId;
    }
    if (section > 0) at = this.#putSection(at, properties !== undefined);
    if (inline > 0) {
      slab.set(payload, at);
      at += inline;
    }
    this.#end = at;
    if (inline < payload.length) {
      this.#seal();
      this.#sealed.push(payload);
      this.#sealedLength += payload.length;
    }
  }

  ack(kind: AckKind, packetId: number, reasonCode = 0): void {
    if (reasonCode !== 0) {
      this.#write({ kind, packetId, reasonCode });
      return;
    }
    checkPacketId(packetId);
    const at = this.#room(4);
    const slab = this.#slab;
    slab[at] = ACKS[kind];
    slab[at + 1] = 2;
    slab[at + 2] = packetId >> 8;
    slab[at + 3] = packetId;
    this.#end = at + 4;
  }

  write(packet: Packet): void {
    if (packet.kind === "publish") this.publish(packet);
    else this.#write(packet);
  }

  /** All that was written, in order: one chunk, or more where much was written. Empty where there is nothing. */
  take(): Uint8Array[] {
    this.#lastTaken = this.length;
    this.#seal();
    const taken = this.#sealed;
    this.#sealed = [];
    this.#sealedLength = 0;
    if (this.#lastTaken < FEW) {
      this.#slab = NO_BYTES;
      this.#start = 0;
      this.#end = 0;
    }
    return taken;
  }

  #write(packet: Exclude<Packet, { kind: "publish" }>): void {
    SCRATCH.clear();
    const first = writePacket(SCRATCH, this.version, packet);
    const at = this.#open(first, SCRATCH.length, 0);
    this.#slab.set(SCRATCH.bytes, at);
    this.#end = at + SCRATCH.length;
  }

  /** Bytes of the property section of a PUBLISH; the properties are in the scratch then. */
  #section({ properties }: PublishFields): number {
    if (properties === undefined) return 1;
    SCRATCH.clear();
    writeProperties(SCRATCH, PUBLISH, properties);
    return sectionSize(SCRATCH.length);
  }

  #putSection(start: number, some: boolean): number {
    const slab = this.#slab;
    if (!some) {
      slab[start] = 0;
      return start + 1;
    }
    const at = putVarint(slab, start, SCRATCH.length);
    slab.set(SCRATCH.bytes, at);
    return at + SCRATCH.length;
  }

  /** Makes room for a packet but for the bytes of it that go apart, and writes its fixed header. Says where its body begins. */
  #open(first: number, remaining: number, apart: number): number {
    if (remaining > MAX_VARINT) throw new RangeError(`a packet of ${remaining} bytes [MQTT 2.2.3]`);
    const at = this.#room(1 + varintSize(remaining) + remaining - apart);
    this.#slab[at] = first;
    return putVarint(this.#slab, at + 1, remaining);
  }

  #room(size: number): number {
    if (this.#end + size > this.#slab.length) {
      const batch = Math.max(this.#lastTaken, this.length);
      this.#seal();
      const room = Math.min(MAX_SLAB, Math.max(MIN_SLAB, batch * SLAB_FACTOR));
      const least = Math.max(size, room);
      // A small one is soon let go: it comes out of Node's pool.
      this.#slab = least <= MIN_SLAB ? Buffer.allocUnsafe(least) : Buffer.allocUnsafeSlow(least);
      this.#start = 0;
      this.#end = 0;
    }
    return this.#end;
  }

  #seal(): void {
    if (this.#end === this.#start) return;
    this.#sealed.push(this.#slab.subarray(this.#start, this.#end));
    this.#sealedLength += this.#end - this.#start;
    this.#start = this.#end;
  }
}

function firstByte({ qos, retain, dup }: PublishFields): number {
  if (!(qos === 0 || qos === 1 || qos === 2)) throw new RangeError(`qos: ${String(qos)}`);
  if (dup && qos === 0) throw new RangeError("dup: at QoS 0 [MQTT-3.3.1-2]");
  return (PUBLISH << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
}

function checkPacketId(packetId: number): void {
  if (!(packetId >= 1 && packetId <= 0xffff) || !Number.isInteger(packetId)) {
    throw new RangeError(`packetId: ${packetId}, 1 to 65535`);
  }
}

/**
 * Writes the length and the bytes of a topic name of ASCII, and says where the next field goes.
 * -1 where the topic is not ASCII or not a topic name: `topicSize` tells which.
 */
function putAsciiTopic(bytes: Buffer, start: number, topic: string): number {
  const { length } = topic;
  if (length > 0xffff) return -1;
  bytes[start] = length >> 8;
  bytes[start + 1] = length;
  const at = start + 2;
  for (let index = 0; index < length; index++) {
    const unit = topic.charCodeAt(index);
    if (unit >= 0x80 || unit === 0 || unit === 0x23 || unit === 0x2b) return -1;
    bytes[at + index] = unit;
  }
  return at + length;
}

function topicSize(topic: string): number {
  const fault = topicNameFault(topic);
  if (fault !== undefined) throw new RangeError(`topic: ${fault}`);
  return textSize(topic, "topic");
}
