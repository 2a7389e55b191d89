import { type CipherCCMTypes, createCipheriv, createDecipheriv } from "node:crypto";
import type { Suite, TrafficKeys } from "../crypto/index.js";
import { CONTENT, DTLS12, HEADER_LENGTH, MAX_PLAINTEXT, putHeader, type WireRecord } from "./record.js";
import { ReplayWindow } from "./replay.js";

/** The part of the nonce that is in the record: its epoch and sequence number, which no other record has (RFC 6655 3, RFC 9325 7.2.1). */
const EXPLICIT_NONCE = 8;
/**
 * Calls of the block cipher under one key. RFC 9147 4.5.3 allows AES-CCM 2^23 and AES-GCM 2^24.5 records of the greatest length, 2^10 blocks and two
 * calls a block: 2^34, counted here by block, so that a session of short records lives as long as its key is good.
 */
export const MAX_BLOCKS = 2 ** 34;
/**
 * Records that failed to open under one key. 2^23.5 for AES-CCM by RFC 9147 4.5.3, which would end at 2^7 for CCM_8: 128 forged datagrams
 * from anywhere would then end any session. With 2^23, one forgery in 2^41 sessions that were attacked to the end succeeds.
 */
export const MAX_FAILURES = 2 ** 23;
const MAX_SEQUENCE = 2 ** 48 - 1;
/** What a sealer writes beyond its limit: the record that reached it, of 2,056 blocks at most, and the alert that says so. */
const RESERVE = 4096;

/** Writes records of one epoch, numbered. */
export interface RecordWriter {
  readonly epoch: number;
  /** Bytes that a record has beyond its plaintext. */
  readonly overhead: number;
  /** The number of the next record. */
  readonly sequence: number;
  /** Nothing may be written any more but an alert: the session must end. */
  readonly exhausted: boolean;
  /** A record as it goes on the wire. At most 2^14 bytes of plaintext; RangeError beyond, and where even the reserve is used up. */
  write(type: number, plaintext: Uint8Array): Buffer;
}

const NO_CID = new Uint8Array(0);

/** Epoch 0: in the clear. */
export class PlaintextWriter implements RecordWriter {
  readonly epoch = 0;
  readonly overhead = HEADER_LENGTH;
  #sequence: number;

  /** `first`: of a server the number of the ClientHello it answers (RFC 6347 4.2.1). */
  constructor(first = 0) {
    this.#sequence = first;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get exhausted(): boolean {
    return this.#sequence > MAX_SEQUENCE - RESERVE;
  }

  write(type: number, plaintext: Uint8Array): Buffer {
    checkRoom(plaintext, this.#sequence);
    const record = Buffer.allocUnsafe(HEADER_LENGTH + plaintext.length);
    record.set(plaintext, putHeader(record, type, 0, this.#sequence, NO_CID, plaintext.length));
    this.#sequence++;
    return record;
  }
}

/** Protects records (RFC 5246 6.2.3.3), with a connection id where the peer wants one (RFC 9146 4). */
export class Sealer implements RecordWriter {
  readonly epoch: number;
  readonly overhead: number;
  readonly #suite: Suite;
  readonly #keys: TrafficKeys;
  readonly #cid: Uint8Array;
  #sequence = 0;
  #blocks: number;

  /** `cid`: the peer's, empty where it gave none. The keys are the sealer's from now on. `blocks`: how much they were used before. */
  constructor(suite: Suite, keys: TrafficKeys, epoch: number, cid: Uint8Array, blocks = 0) {
    this.epoch = epoch;
    this.#suite = suite;
    this.#keys = keys;
    this.#cid = cid;
    this.#blocks = blocks;
    this.overhead = HEADER_LENGTH + EXPLICIT_NONCE + suite.tagLength + (cid.length === 0 ? 0 : cid.length + 1);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get exhausted(): boolean {
    return this.#blocks >= MAX_BLOCKS;
  }

  write(type: number, plaintext: Uint8Array): Buffer {
    checkRoom(plaintext, this.#sequence);
    if (this.#blocks >= MAX_BLOCKS + RESERVE) throw new RangeError("the key was used too often");
    const inner = this.#cid.length === 0 ? plaintext : withType(plaintext, type);
    const outer = this.#cid.length === 0 ? type : CONTENT.cid;
    const { tagLength } = this.#suite;
    const fragmentLength = EXPLICIT_NONCE + inner.length + tagLength;
    const record = Buffer.allocUnsafe(HEADER_LENGTH + this.#cid.length + fragmentLength);
    const start = putHeader(record, outer, this.epoch, this.#sequence, this.#cid, fragmentLength);
    // Epoch and sequence number, as they are in the header.
    const number = record.subarray(3, 3 + EXPLICIT_NONCE);
    record.set(number, start);
    const { key, iv } = this.#keys;
    const sealing = createCipheriv(aeadOf(this.#suite), key, nonceOf(iv, number), { authTagLength: tagLength });
    sealing.setAAD(additionalData(outer, number, this.#cid, inner.length), { plaintextLength: inner.length });
    record.set(sealing.update(inner), start + EXPLICIT_NONCE);
    sealing.final();
    record.set(sealing.getAuthTag(), start + EXPLICIT_NONCE + inner.length);
    this.#sequence++;
    this.#blocks += blocksOf(inner.length);
    return record;
  }

  /** Overwrites the keys. Nothing can be written any more. */
  forget(): void {
    this.#blocks = Number.POSITIVE_INFINITY;
    wipe(this.#keys);
  }
}

export type Opened =
  /** `newest`: of all that were authentic so far. */
  | { readonly ok: true; readonly type: number; readonly plaintext: Uint8Array; readonly newest: boolean }
  | { readonly ok: false; readonly reason: OpenFault };

/** Why a record is dropped in silence (RFC 6347 4.1.2.7). */
export type OpenFault =
  /** It came before, or is older than the window. */
  | "replayed"
  /** Too short, too long, or without an inner type. */
  | "malformed"
  /** Not protected with this key: forged, damaged, or of another session. */
  | "forged";

/** Opens the records of one epoch. */
export class Opener {
  readonly epoch: number;
  readonly #suite: Suite;
  readonly #keys: TrafficKeys;
  readonly #cidLength: number;
  readonly #window = new ReplayWindow();
  #failures = 0;
  #forgotten = false;

  /** `cid`: the one that we gave the peer, empty where we gave none. The keys are the opener's from now on. */
  constructor(suite: Suite, keys: TrafficKeys, epoch: number, cid: Uint8Array) {
    this.epoch = epoch;
    this.#suite = suite;
    this.#keys = keys;
    this.#cidLength = cid.length;
  }

  /** So many records failed that the key is no good any more: the session must end. */
  get exhausted(): boolean {
    return this.#failures >= MAX_FAILURES;
  }

  /** Only for a record of this epoch. Never throws. */
  open(record: WireRecord): Opened {
    const { sequence, fragment, cid, number } = record;
    const { tagLength } = this.#suite;
    // Once an id was agreed on, what has none is not of this session (RFC 9146 3).
    if (this.#forgotten || cid.length !== this.#cidLength) return { ok: false, reason: "malformed" };
    const length = fragment.length - EXPLICIT_NONCE - tagLength;
    // With an id there is at least its type, and the type may be beyond the greatest length.
    if (length < Math.sign(this.#cidLength) || length > MAX_PLAINTEXT + Math.sign(this.#cidLength)) {
      return { ok: false, reason: "malformed" };
    }
    if (this.#window.has(sequence)) return { ok: false, reason: "replayed" };
    const { key, iv } = this.#keys;
    const nonce = nonceOf(iv, fragment.subarray(0, EXPLICIT_NONCE));
    let plaintext: Buffer;
    try {
      const opening = createDecipheriv(aeadOf(this.#suite), key, nonce, { authTagLength: tagLength });
      opening.setAuthTag(fragment.subarray(EXPLICIT_NONCE + length));
      opening.setAAD(additionalData(record.type, number, cid, length), { plaintextLength: length });
      plaintext = opening.update(fragment.subarray(EXPLICIT_NONCE, EXPLICIT_NONCE + length));
      opening.final();
    } catch {
      this.#failures++;
      return { ok: false, reason: "forged" };
    }
    const newest = this.#window.add(sequence);
    return this.#cidLength === 0 ? { ok: true, type: record.type, plaintext, newest } : unpadded(plaintext, newest);
  }

  /** Overwrites the keys. Nothing can be opened any more. */
  forget(): void {
    this.#forgotten = true;
    wipe(this.#keys);
  }
}

/** The types of Node know one AEAD cipher at a time. GCM takes what CCM takes, and does not look at the length. */
function aeadOf({ cipher }: Suite): CipherCCMTypes {
  return cipher as CipherCCMTypes;
}

/** DTLSInnerPlaintext: the content, its type, zeros (RFC 9146 4). */
function unpadded(inner: Buffer, newest: boolean): Opened {
  let at = inner.length - 1;
  while (at >= 0 && inner[at] === 0) at--;
  const type = inner[at];
  if (type === undefined) return { ok: false, reason: "malformed" };
  return { ok: true, type, plaintext: inner.subarray(0, at), newest };
}

function withType(plaintext: Uint8Array, type: number): Buffer {
  const inner = Buffer.allocUnsafe(plaintext.length + 1);
  inner.set(plaintext);
  inner[plaintext.length] = type;
  return inner;
}

/** Salt and explicit nonce (RFC 5288 3, RFC 6655 3). */
function nonceOf(iv: Uint8Array, explicit: Uint8Array): Buffer {
  const nonce = Buffer.allocUnsafe(iv.length + EXPLICIT_NONCE);
  nonce.set(iv);
  nonce.set(explicit, iv.length);
  return nonce;
}

/** `number`: the 8 bytes of epoch and sequence number. `length`: of what is encrypted, without the tag. */
function additionalData(type: number, number: Uint8Array, cid: Uint8Array, length: number): Buffer {
  if (cid.length === 0) {
    // RFC 5246 6.2.3.3.
    const bytes = Buffer.allocUnsafe(13);
    bytes.set(number);
    bytes[8] = type;
    bytes.writeUInt16BE(DTLS12, 9);
    bytes.writeUInt16BE(length, 11);
    return bytes;
  }
  // RFC 9146 5.3.
  const bytes = Buffer.allocUnsafe(23 + cid.length);
  bytes.fill(0xff, 0, 8);
  bytes[8] = CONTENT.cid;
  bytes[9] = cid.length;
  bytes[10] = CONTENT.cid;
  bytes.writeUInt16BE(DTLS12, 11);
  bytes.set(number, 13);
  bytes.set(cid, 21);
  bytes.writeUInt16BE(length, 21 + cid.length);
  return bytes;
}

function checkRoom(plaintext: Uint8Array, sequence: number): void {
  if (plaintext.length > MAX_PLAINTEXT) throw new RangeError(`a record holds at most ${MAX_PLAINTEXT} bytes`);
  if (sequence > MAX_SEQUENCE) throw new RangeError("no sequence number is left");
}

/** Two a block, one for the nonce, one for the additional data and its length, as CCM has it. GCM needs fewer. */
function blocksOf(length: number): number {
  return 2 * Math.ceil(length / 16) + 4;
}

function wipe({ key, iv }: TrafficKeys): void {
  key.fill(0);
  iv.fill(0);
}
