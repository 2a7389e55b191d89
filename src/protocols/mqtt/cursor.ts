import { malformed } from "./error.js";
import type { ProtocolVersion } from "./packet.js";
import { decodeText, decodeTopicName } from "./text.js";

const EMPTY = Buffer.alloc(0);

/** Reads the body of one packet field by field. Each step throws MqttError beyond the packet's end. */
export class Cursor {
  /** Of the connection. */
  version: ProtocolVersion;
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;

  constructor(version: ProtocolVersion) {
    this.version = version;
  }

  /** Goes to other bytes. */
  over(bytes: Buffer, at: number, end: number): this {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    return this;
  }

  /** So that it pins no chunk while nothing comes. */
  clear(): void {
    this.over(EMPTY, 0, 0);
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#skip(1)] ?? 0;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#skip(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#skip(4));
  }

  /** A variable byte integer, in as few bytes as it needs (MQTT 5 MQTT-1.5.5-1). */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed("a longer integer than its value needs [MQTT-1.5.5-1]");
        return value;
      }
    }
    throw malformed("an integer of more than 4 bytes [MQTT 5 1.5.5]");
  }

  string(): string {
    const length = this.uint16();
    const start = this.#skip(length);
    return decodeText(this.#bytes, start, start + length);
  }

  topicName(): string {
    const length = this.uint16();
    const start = this.#skip(length);
    return decodeTopicName(this.#bytes, start, start + length);
  }

  /** A view. */
  binary(): Uint8Array {
    const length = this.uint16();
    const start = this.#skip(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  /** How many bytes are left behind the next `length`, which must be there. */
  leftAfter(length: number): number {
    if (length > this.left) throw malformed("a length beyond the packet's end");
    return this.left - length;
  }

  /** Nothing may come behind the last field. */
  finish(): void {
    if (this.left > 0) throw malformed(`${this.left} bytes behind the last field`);
  }

  #skip(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) throw malformed("a field that goes on beyond the packet's end");
    this.#at = at + size;
    return at;
  }
}
