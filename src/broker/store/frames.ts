import type { Publication } from "../publication.js";
import { ByteWriter, MOST_NUMBER, mostOfText } from "./bytes.js";
import { FRAME_HEADER, type Frame, LONGEST_FRAME } from "./frame.js";
import { mostOfPublication, wholeOf, writePublication } from "./publication-fields.js";
import {
  AS_PUBLISHED,
  DISCONNECTED,
  IDENTIFIED,
  KIND,
  NO_LOCAL,
  OWNED,
  RELEASED,
  RETAIN,
  SENT,
  WILL,
} from "./record.js";
import type { QueueEntry, SessionTerms, StoredSubscription } from "./store.js";

/** What follows each other in memory can be written in one go. */
const CHUNK = 256 * 1024;
/** A frame that is as long is followed by a new one: it is what one bad sector costs. */
const FRAME = 16 * 1024;
/** What refers to a publication stays in its frame until it is as long as that, or as this. */
const LONGEST_TAIL = 1024 * 1024;
/** Of all fields of a record that are not texts. */
const FIELDS = 1 + 6 * MOST_NUMBER;

/**
 * Encodes records, and holds them in frames until they are taken.
 *
 * Each frame can be read by itself: it names the clients and holds the publications that its records refer to. Only a snapshot's
 * frames, which count together or not at all, refer to publications of those before (`across`).
 */
export class Frames {
  readonly #out = new ByteWriter(Buffer.alloc(0));
  /** Of the frame that is written to. */
  #start = 0;
  /** Once it is as long, a new one is begun; 0: there is none. */
  #limit = 0;
  /** What refers to the last publication may stay in its frame up to here. */
  #tail = 0;
  readonly #names = new Map<string, number>();
  #name = "";
  #nameNumber = -1;
  /** The last one, and how many there were: in this frame, or in all. */
  #publication: Publication | undefined;
  #publications = 0;
  readonly #across: Map<Publication, number> | undefined;
  #closed: Frame[] = [];
  #closedBytes = 0;

  constructor(across?: Map<Publication, number>) {
    this.#across = across;
  }

  /** That wait to be taken. */
  get bytes(): number {
    return this.#closedBytes + (this.#limit === 0 ? 0 : this.#out.at - this.#start);
  }

  take(): Frame[] {
    this.#close();
    this.#closedBytes = 0;
    return this.#closed.splice(0);
  }

  /** What was taken and could not be written comes first again. */
  giveBack(frames: readonly Frame[]): void {
    this.#closed.unshift(...frames);
    for (const { start, end } of frames) this.#closedBytes += end - start;
  }

  session(clientId: string, { user, listener, expiry, will, disconnected, sent }: SessionTerms): void {
    const texts = mostOfText(clientId) + mostOfText(listener) + mostOfText(user ?? "");
    this.#room(FIELDS + texts + (will === undefined ? 0 : mostOfPublication(will.publication)));
    const out = this.#begin(KIND.session, clientId);
    out.number(expiry);
    const owned = user === undefined ? 0 : OWNED;
    const begun = sent === undefined ? 0 : SENT;
    out.byte((disconnected === undefined ? 0 : DISCONNECTED) | (will === undefined ? 0 : WILL) | owned | begun);
    out.text(listener);
    if (user !== undefined) out.text(user);
    if (disconnected !== undefined) out.number(wholeOf(disconnected));
    if (sent !== undefined) out.number(sent);
    if (will === undefined) return;
    out.number(will.delay);
    this.#publish(will.publication);
  }

  /** `dropped`; `released` and `settled` with a sequence; `received` and `completed` with a packet id; `next`. */
  about(kind: number, clientId: string, value?: number): void {
    this.#room(FIELDS + mostOfText(clientId));
    const out = this.#begin(kind, clientId);
    if (value !== undefined) out.number(value);
  }

  subscription(clientId: string, { filter, qos, noLocal, retainAsPublished, identifier }: StoredSubscription): void {
    this.#room(FIELDS + mostOfText(clientId) + mostOfText(filter));
    const out = this.#begin(KIND.subscription, clientId);
    out.text(filter);
    const options = (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? AS_PUBLISHED : 0);
    out.byte(qos | options | (identifier === undefined ? 0 : IDENTIFIED));
    if (identifier !== undefined) out.number(identifier);
  }

  unsubscribed(clientId: string, filter: string): void {
    this.#room(FIELDS + mostOfText(clientId) + mostOfText(filter));
    this.#begin(KIND.unsubscribed, clientId).text(filter);
  }

  entry(clientId: string, { sequence, publication, qos, retain, identifiers }: QueueEntry, released: boolean): void {
    const own = FIELDS + mostOfText(clientId) + MOST_NUMBER * (identifiers?.length ?? 0);
    const number = this.#numberOf(publication, own);
    const out = this.#begin(KIND.entry, clientId);
    out.number(sequence);
    out.number(number);
    const flags = qos | (retain ? RETAIN : 0) | (released ? RELEASED : 0);
    out.byte(flags | (identifiers === undefined ? 0 : IDENTIFIED));
    if (identifiers === undefined) return;
    out.number(identifiers.length);
    for (const identifier of identifiers) out.number(identifier);
  }

  retained(publication: Publication): void {
    const number = this.#numberOf(publication, FIELDS);
    this.#out.byte(KIND.retained);
    this.#out.number(number);
  }

  cleared(topic: string): void {
    this.#room(FIELDS + mostOfText(topic));
    this.#out.byte(KIND.cleared);
    this.#out.text(topic);
  }

  end(entries: number): void {
    this.#room(FIELDS);
    this.#out.byte(KIND.end);
    this.#out.number(entries);
  }

  #begin(kind: number, clientId: string): ByteWriter {
    const out = this.#out;
    out.byte(kind);
    if (clientId === this.#name && this.#nameNumber >= 0) out.number(this.#nameNumber);
    else {
      this.#nameNumber = this.#client(clientId);
      this.#name = clientId;
    }
    return out;
  }

  #client(clientId: string): number {
    const known = this.#names.get(clientId);
    const number = known ?? this.#names.size;
    this.#out.number(number);
    if (known !== undefined) return number;
    this.#out.text(clientId);
    this.#names.set(clientId, number);
    return number;
  }

  #publish(publication: Publication): void {
    writePublication(this.#out, publication);
    if (publication.clientId !== undefined) this.#client(publication.clientId);
  }

  /** The number of the publication, which is written if it was not yet. Room for `own` bytes is in its frame. */
  #numberOf(publication: Publication, own: number): number {
    const known = this.#known(publication);
    if (known !== undefined && this.#fits(own, this.#tail)) return known;
    const both = own + FIELDS + mostOfPublication(publication);
    // A new frame knows it only where publications are known across frames.
    const kept = known !== undefined && this.#across !== undefined;
    if (known !== undefined || !this.#fits(both)) this.#open(kept ? own : both);
    return this.#known(publication) ?? this.#write(publication);
  }

  #known(publication: Publication): number | undefined {
    if (publication === this.#publication) return this.#publications - 1;
    return this.#across?.get(publication);
  }

  #write(publication: Publication): number {
    const number = this.#publications;
    const begin = this.#out.at;
    this.#out.byte(KIND.publication);
    this.#out.number(number);
    this.#publish(publication);
    const { at } = this.#out;
    this.#tail = at + Math.min(LONGEST_TAIL, at - begin);
    this.#publications += 1;
    if (this.#across === undefined) this.#publication = publication;
    else this.#across.set(publication, number);
    return number;
  }

  #fits(most: number, tail = 0): boolean {
    const { at, bytes } = this.#out;
    return at + most <= bytes.length && (at < this.#limit || at < tail);
  }

  #room(most: number): void {
    if (!this.#fits(most)) this.#open(most);
  }

  #open(most: number): void {
    const needed = FRAME_HEADER + most;
    if (needed > LONGEST_FRAME) throw new RangeError(`${most} bytes are more than MQTT allows`);
    this.#close();
    const out = this.#out;
    // What is left of a chunk is not worth a frame of a few records.
    if (out.bytes.length - out.at < Math.max(needed, FRAME)) {
      out.bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK, needed));
      out.at = 0;
    }
    this.#start = out.at;
    this.#limit = out.at + FRAME;
    this.#tail = 0;
    out.at += FRAME_HEADER;
    this.#names.clear();
    this.#nameNumber = -1;
    if (this.#across !== undefined) return;
    this.#publication = undefined;
    this.#publications = 0;
  }

  #close(): void {
    const frame = { bytes: this.#out.bytes, start: this.#start, end: this.#out.at };
    if (this.#limit > 0 && frame.end > frame.start + FRAME_HEADER) {
      this.#closed.push(frame);
      this.#closedBytes += frame.end - frame.start;
    }
    this.#limit = 0;
    this.#tail = 0;
  }
}
