import { LARGEST } from "../../outbox/log/record.js";
import type { Change, Lane } from "./session.js";

/**
 * Changes on disk, one behind another. Little endian; a length in bytes:
 *
 *   0  1  kind
 *   1     HANDED_OVER (that of the lane), PARCEL: first (6), last (6)
 *         RECEIVED, COMPLETED: packet id (2)
 *         SERVERS: whether there is a home (1, 0 or 1), how many are clean (1), then the home if any and those: length (2), UTF-8
 *
 * A kind that is added later makes a new version of the bank (bank.ts): older programs do not know how long it is.
 */
const HANDED_OVER = [1, 2] as const;
const PARCEL = 3;
const RECEIVED = 4;
const COMPLETED = 5;
const RESET = 6;
const SERVERS = 7;

const MOST_SERVERS = 16;
const LONGEST_SERVER = 512; // bytes
const LARGEST_ID = 65_535;

/** Throws a RangeError for what cannot be stored. */
export function checkChange(change: Change): void {
  if (!possible(change)) throw new RangeError(`no session can hold ${JSON.stringify(change)}`);
}

function possible(change: Change): boolean {
  switch (change.kind) {
    case "handedOver":
      return (change.lane === 0 || change.lane === 1) && isRange(change.first, change.last);
    case "parcel":
      return isRange(change.first, change.last);
    case "received":
    case "completed":
      return isId(change.id);
    case "reset":
      return true;
    case "servers":
      return change.clean.length <= MOST_SERVERS && stringsOf(change).every(fits);
  }
}

function isRange(first: number, last: number): boolean {
  return Number.isInteger(first) && Number.isInteger(last) && first >= 1 && first <= last && last <= LARGEST;
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 1 && id <= LARGEST_ID;
}

function fits(server: string): boolean {
  return Buffer.byteLength(server) <= LONGEST_SERVER;
}

function stringsOf({ home, clean }: { home: string | undefined; clean: readonly string[] }): readonly string[] {
  return home === undefined ? clean : [home, ...clean];
}

/** In bytes. */
export function sizeOfChange(change: Change): number {
  switch (change.kind) {
    case "handedOver":
    case "parcel":
      return 13;
    case "received":
    case "completed":
      return 3;
    case "reset":
      return 1;
    case "servers":
      return stringsOf(change).reduce((sum, text) => sum + sizeOfText(text), 3);
  }
}

/** The offset behind it. */
export function writeChange(into: Buffer, offset: number, change: Change): number {
  switch (change.kind) {
    case "handedOver":
      return writeRange(into, offset, HANDED_OVER[change.lane], change.first, change.last);
    case "parcel":
      return writeRange(into, offset, PARCEL, change.first, change.last);
    case "received":
    case "completed":
      into.writeUInt8(change.kind === "received" ? RECEIVED : COMPLETED, offset);
      return into.writeUInt16LE(change.id, offset + 1);
    case "reset":
      return into.writeUInt8(RESET, offset);
    case "servers": {
      into.writeUInt8(SERVERS, offset);
      into.writeUInt8(change.home === undefined ? 0 : 1, offset + 1);
      into.writeUInt8(change.clean.length, offset + 2);
      return stringsOf(change).reduce((at, text) => writeText(into, at, text), offset + 3);
    }
  }
}

function writeRange(into: Buffer, offset: number, kind: number, first: number, last: number): number {
  into.writeUInt8(kind, offset);
  into.writeUIntLE(first, offset + 1, 6);
  return into.writeUIntLE(last, offset + 7, 6);
}

/** A length and as much UTF-8. */
export function sizeOfText(text: string): number {
  return 2 + Buffer.byteLength(text);
}

export function writeText(into: Buffer, offset: number, text: string): number {
  const length = into.write(text, offset + 2);
  into.writeUInt16LE(length, offset);
  return offset + 2 + length;
}

/** Reads what the functions above wrote. Each method throws a RangeError at the end of the bytes. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(bytes: 1 | 2 | 6): number {
    const value = this.#bytes.readUIntLE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  text(): string {
    const length = this.number(2);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("a text is longer than its bytes");
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end;
    return text;
  }

  /** All that is left. Throws for what is none of the above. */
  changes(): Change[] {
    const changes: Change[] = [];
    while (!this.done) {
      const change = this.#change();
      checkChange(change);
      changes.push(change);
    }
    return changes;
  }

  #change(): Change {
    const kind = this.number(1);
    const range = (): { first: number; last: number } => ({ first: this.number(6), last: this.number(6) });
    switch (kind) {
      case HANDED_OVER[0]:
      case HANDED_OVER[1]:
        return { kind: "handedOver", lane: HANDED_OVER.indexOf(kind) as Lane, ...range() };
      case PARCEL:
        return { kind: "parcel", ...range() };
      case RECEIVED:
        return { kind: "received", id: this.number(2) };
      case COMPLETED:
        return { kind: "completed", id: this.number(2) };
      case RESET:
        return { kind: "reset" };
      case SERVERS: {
        const [hasHome, count] = [this.number(1), this.number(1)];
        const home = hasHome === 0 ? undefined : this.text();
        return { kind: "servers", home, clean: Array.from({ length: count }, () => this.text()) };
      }
      default:
        throw new RangeError(`no change is of kind ${kind}`);
    }
  }
}
