import type { Message, Qos } from "../../core/message.js";
import { crc32 } from "./crc.js";

/**
 * One message on disk. Little endian; a length in bytes:
 *
 *   0  4  CRC-32 of all that follows
 *   4  4  length of the record, with these 28
 *   8  6  sequence
 *  14  6  when it was appended, ms since the Unix epoch
 *  20  4  when it expires, ms after that, the lower 32 bits; 0 with the upper ones is never
 *  24  1  bits 0 and 1: QoS; bit 2: retain; the others 0
 *  25  1  the upper 8 bits of when it expires
 *  26  2  length of the topic
 *  28     topic (UTF-8), payload
 *
 * Before messages could expire, both parts of that were written as 0.
 *
 * The sequence is under the CRC, and a reader knows which one it expects: a stale record never passes for a new one.
 */
export const RECORD_HEADER = 28;
/** Topics hold 65,535 bytes and MQTT's largest packet 256 MiB (MQTT 1.5.3, 2.2.3). */
const LONGEST_TOPIC = 65_535;
export const LONGEST_RECORD = RECORD_HEADER + LONGEST_TOPIC + 2 ** 28;
/** What 48 bits hold. */
export const LARGEST = 2 ** 48 - 1;
/** What 40 bits hold, in ms: 34 years. */
const LONGEST_LIFE = 2 ** 40 - 1;
const RETAIN = 4;
const KNOWN_FLAGS = 7;

/** Topic and payload, in bytes: what a message counts for. Throws a RangeError for one that no MQTT packet could hold. */
export function sizeOf({ topic, payload }: Message): number {
  const length = Buffer.byteLength(topic);
  if (length > LONGEST_TOPIC || length + payload.length > LONGEST_RECORD - RECORD_HEADER) {
    throw new RangeError(`a message of ${length} + ${payload.length} bytes is longer than MQTT allows`);
  }
  return length + payload.length;
}

/** What a record holds, besides its sequence. Times in ms since the Unix epoch. */
export interface Content {
  readonly message: Message;
  readonly appended: number;
  /** Less than 2^40 ms after that. */
  readonly expires: number | undefined;
}

/** Writes one record of `RECORD_HEADER + sizeOf(message)` bytes at `offset`; the offset behind it. */
export function writeRecord(into: Buffer, offset: number, sequence: number, content: Content): number {
  const { message, appended, expires } = content;
  const { topic, payload, qos, retain } = message;
  const topicLength = into.write(topic, offset + RECORD_HEADER);
  const end = offset + RECORD_HEADER + topicLength + payload.length;
  into.set(payload, offset + RECORD_HEADER + topicLength);
  into.writeUInt32LE(end - offset, offset + 4);
  into.writeUIntLE(sequence, offset + 8, 6);
  // A clock that is wrong must not stop the log.
  into.writeUIntLE(clamped(appended, LARGEST), offset + 14, 6);
  const life = expires === undefined ? 0 : clamped(expires - appended, LONGEST_LIFE);
  into.writeUInt32LE(life % 2 ** 32, offset + 20);
  into.writeUInt8(qos | (retain ? RETAIN : 0), offset + 24);
  into.writeUInt8(Math.floor(life / 2 ** 32), offset + 25);
  into.writeUInt16LE(topicLength, offset + 26);
  into.writeUInt32LE(crc32(into, offset + 4, end), offset);
  return end;
}

/** The length that the record at `offset` claims, undefined where no record can have it. Needs `RECORD_HEADER` bytes there. */
export function lengthAt(buffer: Buffer, offset: number): number | undefined {
  const length = buffer.readUInt32LE(offset + 4);
  return length >= RECORD_HEADER && length <= LONGEST_RECORD ? length : undefined;
}

export function sequenceAt(buffer: Buffer, offset: number): number {
  return buffer.readUIntLE(offset + 8, 6);
}

/** Whether all `length` bytes at `offset` are the record they claim to be. */
export function soundAt(buffer: Buffer, offset: number, length: number): boolean {
  if (buffer.readUInt32LE(offset) !== crc32(buffer, offset + 4, offset + length)) return false;
  const flags = buffer.readUInt8(offset + 24);
  const topicLength = buffer.readUInt16LE(offset + 26);
  return flags <= KNOWN_FLAGS && (flags & 3) !== 3 && RECORD_HEADER + topicLength <= length;
}

export function appendedAt(buffer: Buffer, offset: number): number {
  return buffer.readUIntLE(offset + 14, 6);
}

/** When the record at `offset` expires, ms since the Unix epoch. */
export function expiresOf(buffer: Buffer, offset: number): number | undefined {
  const life = buffer.readUInt32LE(offset + 20) + buffer.readUInt8(offset + 25) * 2 ** 32;
  return life === 0 ? undefined : appendedAt(buffer, offset) + life;
}

/** The message of a sound record. Copies: the buffer is used again. */
export function messageAt(buffer: Buffer, offset: number, length: number): Message {
  const flags = buffer.readUInt8(offset + 24);
  const topicEnd = offset + RECORD_HEADER + buffer.readUInt16LE(offset + 26);
  return {
    topic: buffer.toString("utf8", offset + RECORD_HEADER, topicEnd),
    payload: Buffer.from(buffer.subarray(topicEnd, offset + length)),
    qos: (flags & 3) as Qos,
    retain: (flags & RETAIN) !== 0,
  };
}

function clamped(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.trunc(value) || 0));
}
