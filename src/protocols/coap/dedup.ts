/** One message that was received, and what it was answered with. Made by a `Dedup` only. */
export class DedupEntry {
  readonly key: string;
  /** In the clock of the caller, ms. From then on the message id may mean another message. */
  readonly expires: number;
  /** As latin1 text: as a string an answer of 12 bytes takes 24 bytes of memory, as a Uint8Array 200. */
  stored: string | undefined;
  /** The ring has no place for it any more. */
  evicted = false;

  constructor(key: string, expires: number) {
    this.key = key;
    this.expires = expires;
  }

  /** The answer, to be sent again to a duplicate. Undefined: none yet, or none at all. */
  get reply(): Uint8Array | undefined {
    return this.stored === undefined ? undefined : Buffer.from(this.stored, "latin1");
  }

  /** Bytes, of those that differ from entry to entry. */
  get cost(): number {
    return this.key.length + (this.stored?.length ?? 0);
  }
}

/**
 * The messages of the last minutes by sender and message id (RFC 7252 4.5). Invariants:
 * - at most `maxEntries` entries and `maxBytes` bytes of keys and answers; the oldest go first, the newest always stays;
 * - what was evicted or has expired is unknown: its duplicate is a new message.
 */
export class Dedup {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #byKey = new Map<string, DedupEntry>();
  /** From `#head` on `#count` entries in the order in which they came. */
  readonly #ring: (DedupEntry | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #evicted = 0;

  /** At least one entry is kept, whatever is said. */
  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = Math.max(1, maxEntries);
    this.#maxBytes = maxBytes;
  }

  find(key: string, now: number): DedupEntry | undefined {
    const entry = this.#byKey.get(key);
    return entry !== undefined && entry.expires > now ? entry : undefined;
  }

  add(key: string, expires: number, now: number): DedupEntry {
    this.#dropExpired(now);
    if (this.#count === this.#maxEntries) this.#evictOldest();
    const entry = new DedupEntry(key, expires);
    this.#ring[(this.#head + this.#count) % this.#maxEntries] = entry;
    this.#count++;
    this.#bytes += entry.cost;
    this.#byKey.set(key, entry);
    this.#boundBytes();
    return entry;
  }

  /** Without effect on an entry that was evicted. */
  setReply(entry: DedupEntry, reply: Uint8Array): void {
    if (entry.evicted) return;
    this.#bytes -= entry.cost;
    entry.stored = Buffer.from(reply.buffer, reply.byteOffset, reply.length).toString("latin1");
    this.#bytes += entry.cost;
    this.#boundBytes();
  }

  /** As if it had never come: its duplicate is a new message. It takes its place until it expires. */
  forget(entry: DedupEntry): void {
    if (this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
  }

  get entries(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many went before they expired, for want of room. */
  get evicted(): number {
    return this.#evicted;
  }

  #boundBytes(): void {
    while (this.#bytes > this.#maxBytes && this.#count > 1) this.#evictOldest();
  }

  #evictOldest(): void {
    this.#drop();
    this.#evicted++;
  }

  #dropExpired(now: number): void {
    for (
      let oldest = this.#ring[this.#head];
      oldest !== undefined && oldest.expires <= now;
      oldest = this.#ring[this.#head]
    ) {
      this.#drop();
    }
  }

  #drop(): void {
    const entry = this.#ring[this.#head];
    if (entry === undefined) return;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#maxEntries;
    this.#count--;
    this.#bytes -= entry.cost;
    entry.evicted = true;
    // A younger entry of the same key may have taken its place after it expired.
    if (this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
  }
}
