import { performance } from "node:perf_hooks";
import type { Address, DatagramReceiver, DatagramTransport, Peer } from "../datagram/index.js";
import type { Association } from "./endpoint/association.js";
import type { Counters } from "./endpoint/counters.js";
import { type Effect, type Ended, Endpoint, type Now } from "./endpoint/endpoint.js";
import { type DtlsOptions, settingsOf } from "./endpoint/options.js";
import { DtlsError } from "./errors.js";

export interface DtlsTransport extends DatagramTransport {
  /** Rejects with DtlsError. */
  connect(to: Address): Promise<Peer>;
  /** Ends a session and tells its peer: its key was taken away, say. The receiver hears that it is gone. */
  disconnect(peer: Peer): void;
  /**
   * Other keys and other trust, or pre-shared keys that were changed or taken away: their sessions end. All others that are open go on. None is
   * resumed, and handshakes of clients begin again.
   */
  renew(credentials: Pick<DtlsOptions, "keys" | "trust">): void;
  readonly counters: Readonly<Counters>;
  /** Handshakes under way, open sessions, and those that could be resumed. */
  readonly sizes: { readonly shaking: number; readonly open: number; readonly resumable: number };
}

/** For tests. */
export interface Clocks {
  /** Ms of any fixed start. */
  readonly now?: () => number;
  /** Ms since 1970, for the time of certificates. */
  readonly wall?: () => number;
}

/** DTLS over another transport, which is this one's from now on. Throws DtlsError OPTIONS. */
export function openDtls(options: DtlsOptions & Clocks, under: DatagramTransport): DtlsTransport {
  return new Dtls(options, under);
}

/** setTimeout takes no more. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Waiting {
  readonly resolve: (peer: Peer) => void;
  readonly reject: (error: DtlsError) => void;
}

class Dtls implements DtlsTransport {
  readonly closed: Promise<void>;
  readonly #under: DatagramTransport;
  readonly #endpoint: Endpoint;
  readonly #now: () => number;
  readonly #wall: () => number;
  /** Who waits for the handshake with an address, by the id of the peer below. */
  readonly #waiting = new Map<string, Waiting[]>();
  #receiver: DatagramReceiver | undefined;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #refused = 0;
  #open = true;
  readonly #onFailure: DtlsOptions["onFailure"];

  constructor(
    { now = () => performance.now(), wall = Date.now, ...options }: DtlsOptions & Clocks,
    under: DatagramTransport,
  ) {
    this.#under = under;
    this.#now = now;
    this.#wall = wall;
    this.#endpoint = new Endpoint(settingsOf(options), now());
    this.#onFailure = options.onFailure;
    this.closed = under.closed.finally(() => this.#shut());
    // Whoever awaits it hears of it; if nobody does, the process goes on.
    this.closed.catch(() => {});
    under.listen({
      datagram: (bytes, from, multicast) => {
        // A handshake is between two (RFC 7252 9.1).
        if (!this.#open) return;
        if (multicast) this.#endpoint.counters.unread.multicast++;
        else this.#run(this.#endpoint.receive(bytes, from, this.#moment()));
      },
    });
  }

  get local(): Address {
    return this.#under.local;
  }

  get counters(): Counters {
    return this.#endpoint.counters;
  }

  get sizes(): DtlsTransport["sizes"] {
    return this.#endpoint.sizes;
  }

  get unsent(): number {
    return this.#refused + this.#under.unsent;
  }

  listen(receiver: DatagramReceiver): void {
    this.#receiver = receiver;
  }

  async connect(to: Address): Promise<Peer> {
    const at = await this.#under.connect(to);
    if (!this.#open) throw closedHere();
    const { peer, effects } = this.#endpoint.connect(at, this.#moment());
    if (peer.established !== undefined) return peer;
    return new Promise((resolve, reject) => {
      const others = this.#waiting.get(at.id);
      if (others === undefined) this.#waiting.set(at.id, [{ resolve, reject }]);
      else others.push({ resolve, reject });
      this.#run(effects);
    });
  }

  send(bytes: Uint8Array, { id }: Peer): void {
    const peer = this.#endpoint.find(id);
    if (peer === undefined) {
      this.#refused++;
      return;
    }
    const { sent, effects } = this.#endpoint.send(peer, bytes, this.#now());
    if (!sent) this.#refused++;
    this.#run(effects);
  }

  disconnect({ id }: Peer): void {
    const peer = this.#endpoint.find(id);
    if (peer !== undefined) this.#run(this.#endpoint.disconnect(peer));
  }

  renew({ keys = [], trust }: Pick<DtlsOptions, "keys" | "trust">): void {
    this.#run(this.#endpoint.renew({ keys, ...(trust === undefined ? {} : { trust }) }));
  }

  async close(): Promise<void> {
    this.#shut();
    // A socket sends in the next turn what it was given in this one; the peers are to hear that it is over.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#under.close();
  }

  #moment(): Now {
    return { now: this.#now(), wall: this.#wall() };
  }

  #shut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#run(this.#endpoint.close());
    clearTimeout(this.#timer);
    this.#receiver = undefined;
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          this.#under.send(effect.datagram, effect.to);
          break;
        case "data":
          this.#receiver?.datagram(effect.bytes, effect.peer, false);
          break;
        case "opened":
          for (const { resolve } of this.#waitersAt(effect.peer)) resolve(effect.peer);
          break;
        case "ended":
          this.#ended(effect);
          break;
      }
    }
    this.#arm();
  }

  #ended(ended: Ended): void {
    const { peer, opened, reason, code, detail, claimed } = ended;
    if (opened) {
      this.#receiver?.gone?.(peer, code === undefined ? reason : `${reason} ${code}`);
      return;
    }
    if (peer.side === "server") {
      const { address, port } = peer.at;
      this.#onFailure?.({ from: { address, port }, reason, detail, claimed });
    }
    // Where both began at once the other handshake goes on.
    if (this.#endpoint.shakingAt(peer.at) === undefined) {
      const error = failure(ended);
      for (const { reject } of this.#waitersAt(peer)) reject(error);
    }
  }

  #waitersAt({ at }: Association): readonly Waiting[] {
    const waiting = this.#waiting.get(at.id) ?? [];
    this.#waiting.delete(at.id);
    return waiting;
  }

  /** One timer, for whatever comes first. */
  #arm(): void {
    const due = this.#open ? this.#endpoint.deadline : undefined;
    if (due === this.#due) return;
    // One that is too early only looks again: most of the time what it waits for moves on.
    if (due !== undefined && this.#timer !== undefined && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = due ?? Number.POSITIVE_INFINITY;
    if (due === undefined) return;
    const wait = Math.min(LONGEST_TIMER, Math.max(0, Math.ceil(due - this.#now())));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due = Number.POSITIVE_INFINITY;
      this.#run(this.#endpoint.tick(this.#now()));
    }, wait);
    // The socket below says whether the process goes on.
    this.#timer.unref();
  }
}

function closedHere(): DtlsError {
  return new DtlsError("CLOSED", "the transport is closed");
}

/** Why nobody was connected to. */
function failure({ peer, reason, code, detail }: Ended): DtlsError {
  const where = `the handshake with ${peer.at.id}`;
  switch (reason) {
    case "timeout":
      return new DtlsError("TIMEOUT", `${where} was not answered`);
    case "alert":
      return new DtlsError("REFUSED", `${where} was ended by the peer with ${detail ?? code}`);
    case "peer_closed":
      return new DtlsError("REFUSED", `${where} was ended by the peer`);
    case "refused":
      return new DtlsError("REFUSED", `${where} was ended by us: ${detail} (${code})`);
    case "undecryptable":
      return new DtlsError("REFUSED", `${where} came to keys that differ`);
    case "evicted":
      return new DtlsError("FULL", `${where} was given up for others`);
    default:
      return closedHere();
  }
}
