import type { Timing } from "../options.js";
import { CONTENT, type RecordWriter } from "../record/index.js";
import { encodeFragment, HANDSHAKE_TYPES, type HandshakeMessage, HEADER_LENGTH } from "./messages/header.js";

/** What comes behind a change_cipher_spec is protected. */
export type FlightPart = HandshakeMessage | "change_cipher_spec";

const CHANGE_CIPHER_SPEC = Uint8Array.of(1);
/** Bytes of a datagram that fit through every IPv4 network (RFC 791: 576 with headers), and through the narrow ones of devices. */
const SMALLER = [548, 256] as const;
/** So that a fragment has at least something in it, whatever the size of a datagram is. */
const LEAST_FRAGMENT = 16;

/**
 * Messages that are sent together and again until they are answered (RFC 6347 4.2.4). Pure: time comes in. `answers`: message_seq of
 * the peer's last message before it, for that message coming again asks for the flight; -1: it is the first.
 */
export class Flight {
  readonly parts: readonly FlightPart[];
  readonly answers: number;
  /** Nothing answers it: it is kept for as long as the peer may ask for it. */
  readonly last: boolean;
  readonly #timing: Timing;
  #timeout: number;
  #due: number;
  #sentAt: number;
  #retransmissions = 0;

  constructor(parts: readonly FlightPart[], answers: number, last: boolean, timing: Timing, now: number) {
    this.parts = parts;
    this.answers = answers;
    this.last = last;
    this.#timing = timing;
    this.#timeout = timing.first;
    this.#due = now + (last ? timing.lastFlight : timing.first);
    this.#sentAt = now;
  }

  /** When it is to be sent again, or, if it is the last, forgotten. */
  get due(): number {
    return this.#due;
  }

  /** It is due. False: it was sent often enough. */
  retransmit(now: number): boolean {
    if (this.#retransmissions === this.#timing.retransmissions) return false;
    this.#retransmissions++;
    this.#timeout = Math.min(this.#timeout * 2, this.#timing.longest);
    this.#due = now + this.#timeout;
    this.#sentAt = now;
    return true;
  }

  /**
   * The peer sent again what this answers. True: it is to be sent again at once, and the timer begins anew (RFC 6347 4.2.4). Not
   * when it has only just been sent: a datagram that the network doubled asks for nothing, and nobody multiplies what we send.
   */
  asked(now: number): boolean {
    if (now - this.#sentAt < this.#timing.first / 2) return false;
    this.#sentAt = now;
    if (!this.last) this.#due = now + this.#timeout;
    return true;
  }

  /** "If repeated retransmissions do not result in a response", datagrams get smaller (RFC 6347 4.1.1.1). */
  datagramSize(mtu: number): number {
    const step = Math.floor(this.#retransmissions / 2) - 1;
    const smaller = SMALLER[Math.min(step, SMALLER.length - 1)];
    return smaller === undefined ? mtu : Math.min(mtu, smaller);
  }
}

/**
 * The datagrams of a flight, each record with a new number. A message is cut only where it does not fit into a datagram of its own,
 * for many a device cannot put it together; a ClientHello never, for a server cannot check the cookie of a part of it.
 * `sealed`: for what comes behind change_cipher_spec. `maxPlaintext`: bytes of a record.
 */
export function flightDatagrams(
  parts: readonly FlightPart[],
  clear: RecordWriter,
  sealed: RecordWriter | undefined,
  size: number,
  maxPlaintext: number,
): Uint8Array[] {
  const packing = new Packing(size);
  let writer = clear;
  for (const part of parts) {
    if (part === "change_cipher_spec") {
      packing.add(writer.write(CONTENT.changeCipherSpec, CHANGE_CIPHER_SPEC));
      writer = sealed ?? writer;
      continue;
    }
    const head = writer.overhead + HEADER_LENGTH;
    const whole = part.type === HANDSHAKE_TYPES.client_hello;
    const most = whole
      ? part.body.length
      : Math.max(Math.min(size - head, maxPlaintext - HEADER_LENGTH), LEAST_FRAGMENT);
    let offset = 0;
    do {
      const left = part.body.length - offset;
      // What has to be cut fills the datagram that is begun.
      const room = left > most ? Math.min(most, packing.room - head) : left;
      const bytes = part.body.subarray(offset, offset + (room >= LEAST_FRAGMENT ? room : Math.min(left, most)));
      const { type, sequence } = part;
      const fragment = encodeFragment({ type, sequence, length: part.body.length, offset, bytes });
      packing.add(writer.write(CONTENT.handshake, fragment));
      offset += bytes.length;
    } while (offset < part.body.length);
  }
  return packing.datagrams();
}

/** Records into as few datagrams as hold them, in their order. */
class Packing {
  readonly #size: number;
  readonly #done: Uint8Array[] = [];
  #open: Uint8Array[] = [];
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get room(): number {
    return this.#size - this.#used;
  }

  add(record: Uint8Array): void {
    if (record.length > this.room) this.#finish();
    this.#open.push(record);
    this.#used += record.length;
  }

  datagrams(): Uint8Array[] {
    this.#finish();
    return this.#done;
  }

  #finish(): void {
    if (this.#open.length > 0) this.#done.push(Buffer.concat(this.#open));
    this.#open = [];
    this.#used = 0;
  }
}
