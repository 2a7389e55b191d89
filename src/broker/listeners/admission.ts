/**
 * Who is let in before MQTT begins: bounds of connections in all and from one sender, and of how fast they come. Pure: time
 * comes in, nothing is opened or closed here. A sender is what `senderOf` says, undefined for this machine's own, for whom
 * only the bound of all holds: a proxy or a NAT on the machine would else be one sender for everybody behind it.
 *
 * Memory: one entry for each sender with a connection (at most `connections`), and MOST_IDLE of those that had one.
 */
export interface AdmissionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New ones a second. */
  readonly connectRate: number;
  readonly connectRatePerAddress: number;
  /** Connections that have not come to MQTT yet; one sender has a quarter of them. */
  readonly handshakes: number;
}

export type Refusal =
  | "connections"
  | "connections_per_address"
  | "connect_rate"
  | "connect_rate_per_address"
  | "handshakes";

/** A connection that was let in. */
export interface Visit {
  /** Says whose it is, where that was not known at first. Refused, it still has to leave. */
  identify(sender: string | undefined, now: number): Refusal | undefined;
  /** It has to get through a handshake first. Refused, it still has to leave. */
  begin(): Refusal | undefined;
  /** It came to MQTT. */
  settle(): void;
  leave(now: number): void;
}

/** How many seconds' worth of connections may come at once: after a power cut a whole plant connects in the same moment. */
const BURST = 10;
const MOST_IDLE = 16_384;

interface Sender {
  open: number;
  pending: number;
  readonly bucket: Bucket;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #all: Bucket;
  readonly #senders = new Map<string, Sender>();
  /** Had a connection, and their bucket may not be full again: the one that left first is the first. */
  readonly #idle = new Map<string, Sender>();
  #open = 0;
  #pending = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#all = new Bucket(limits.connectRate);
  }

  get open(): number {
    return this.#open;
  }

  /** How many senders are remembered. */
  get remembered(): number {
    return this.#senders.size + this.#idle.size;
  }

  /** Of a connection whose sender is not known yet; `identify` follows. */
  enter(): Visit | Refusal {
    if (this.#open >= this.#limits.connections) return "connections";
    this.#open++;
    return this.#visit();
  }

  admit(name: string | undefined, now: number): Visit | Refusal {
    const refused = this.#refusal(name, now);
    if (refused !== undefined) return refused;
    this.#open++;
    return this.#visit(name, this.#take(name, now));
  }

  /** Takes nothing: a flood that is refused costs those who are let in no tokens. */
  #refusal(name: string | undefined, now: number): Refusal | undefined {
    return this.#open >= this.#limits.connections ? "connections" : this.#senderRefusal(name, now);
  }

  #senderRefusal(name: string | undefined, now: number): Refusal | undefined {
    if (name === undefined) return undefined;
    const sender = this.#senders.get(name) ?? this.#idle.get(name);
    if (sender !== undefined && sender.open >= this.#limits.connectionsPerAddress) return "connections_per_address";
    if (sender !== undefined && !sender.bucket.has(now)) return "connect_rate_per_address";
    return this.#all.has(now) ? undefined : "connect_rate";
  }

  #take(name: string | undefined, now: number): Sender | undefined {
    if (name === undefined) return undefined;
    const known = this.#senders.get(name) ?? this.#idle.get(name);
    const sender = known ?? { open: 0, pending: 0, bucket: new Bucket(this.#limits.connectRatePerAddress) };
    this.#idle.delete(name);
    this.#senders.set(name, sender);
    sender.open++;
    sender.bucket.take(now);
    this.#all.take(now);
    return sender;
  }

  #visit(name?: string, sender?: Sender): Visit {
    let whose = name;
    let entry = sender;
    let pending = false;
    let gone = false;
    const settle = (): void => {
      if (!pending) return;
      pending = false;
      this.#pending--;
      if (entry !== undefined) entry.pending--;
    };
    return {
      identify: (known, now) => {
        const refused = this.#senderRefusal(known, now);
        if (refused !== undefined || known === undefined) return refused;
        whose = known;
        entry = this.#take(known, now);
        if (!pending || entry === undefined) return undefined;
        entry.pending++;
        return this.#tooMany(entry) ? "handshakes" : undefined;
      },
      begin: () => {
        pending = true;
        this.#pending++;
        if (entry !== undefined) entry.pending++;
        return this.#pending > this.#limits.handshakes || this.#tooMany(entry) ? "handshakes" : undefined;
      },
      settle,
      leave: (now) => {
        if (gone) return;
        gone = true;
        settle();
        this.#open--;
        if (whose !== undefined && entry !== undefined) this.#left(whose, entry, now);
      },
    };
  }

  /** What one sender leaves open keeps the others out only of its own share. */
  #tooMany(sender: Sender | undefined): boolean {
    return sender !== undefined && sender.pending > Math.max(1, Math.floor(this.#limits.handshakes / 4));
  }

  #left(name: string, sender: Sender, now: number): void {
    sender.open--;
    if (sender.open > 0) return;
    this.#senders.delete(name);
    this.#idle.set(name, sender);
    // Whose bucket is full again is like one that never came. Beyond the bound the oldest is forgotten: the rate of all holds.
    for (const [first, { bucket }] of this.#idle) {
      if (this.#idle.size <= MOST_IDLE && !bucket.isFull(now)) return;
      this.#idle.delete(first);
    }
  }
}

/** A token bucket: `rate` a second, BURST seconds' worth at once. Times in ms. */
class Bucket {
  readonly #rate: number;
  #tokens: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(rate: number) {
    this.#rate = rate;
    this.#tokens = rate * BURST;
  }

  has(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= 1;
  }

  take(now: number): void {
    this.#refill(now);
    this.#tokens--;
  }

  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#rate * BURST;
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#rate * BURST, this.#tokens + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
  }
}
