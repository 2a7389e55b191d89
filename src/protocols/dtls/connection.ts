import { Epochs } from "./epochs.js";
import { ALERTS, alertOf, DtlsError } from "./errors.js";
import type { Established } from "./established.js";
import { encodeAlert, parseAlert } from "./handshake/alert.js";
import { ClientHandshake } from "./handshake/client.js";
import { Flight } from "./handshake/flight.js";
import type { Handshake, Step } from "./handshake/handshake.js";
import { type Fragment, HANDSHAKE_TYPES, parseFragments } from "./handshake/messages/header.js";
import { Reassembly } from "./handshake/reassembly.js";
import { ServerHandshake } from "./handshake/server.js";
import type { VerifiedHello } from "./handshake/verified-hello.js";
import type { ClientOptions, ServerOptions } from "./options.js";
import type { CloseReason, Output, Received, RecordOutcome } from "./outcome.js";
import { CONTENT, PlaintextWriter, type WireRecord } from "./record/index.js";
import { Waiting } from "./waiting.js";

export type { Established } from "./established.js";
export type { VerifiedHello } from "./handshake/verified-hello.js";
export type { CloseReason, Output, Received, RecordOutcome } from "./outcome.js";

/** Records that came before the keys, and application data before the end of the handshake: a flight and what follows it at once. */
const MAX_EARLY = 16;
const MAX_EARLY_BYTES = 16_384;
/** What asks for another handshake, or begins one. */
const RENEGOTIATION: readonly number[] = [HANDSHAKE_TYPES.hello_request, HANDSHAKE_TYPES.client_hello];
/**
 * So long the handshake goes on with a peer of which something came that our keys do not open, in ms: it may be somebody else's, and five
 * retransmissions of the peer's own come in that time. Not for minutes: a device with a wrong key begins anew again and again, and
 * whoever looks after it wants to know.
 */
const UNDECRYPTABLE_PATIENCE = 20_000;

/** One peer: records, handshake, application data. Pure: bytes and time (ms of any fixed start) in, outputs out; never throws. */
export interface Connection {
  readonly state: "handshaking" | "open" | "closed";
  /** When `tick` wants to be called. */
  readonly deadline: number | undefined;
  /** Ours: records to us have it once the handshake has agreed on it. */
  readonly ownCid: Uint8Array | undefined;
  /** Of the ClientHello, ours or the peer's: a hello with the same one is of this handshake, another begins a new one. */
  readonly clientRandom: Uint8Array;
  receive(record: WireRecord, now: number): Received;
  /** Application data in one record. No output: it is not open, or the bytes do not fit in a record. */
  send(bytes: Uint8Array): Output[];
  tick(now: number): Output[];
  close(): Output[];
}

/** A connection that was begun, and the first it has to say. */
export interface Begun {
  readonly connection: Connection;
  readonly outputs: Output[];
}

export function serverConnection(hello: VerifiedHello, options: ServerOptions, now: number): Begun {
  // The record of the hello is the last that was not ours to number (RFC 6347 4.2.1).
  const clear = new PlaintextWriter(hello.recordSequence);
  const connection = new PeerConnection(new ServerHandshake(hello, options), clear, options);
  return { connection, outputs: connection.start(now) };
}

/** Throws DtlsError OPTIONS where there are no credentials for any of the suites. */
export function clientConnection(options: ClientOptions, now: number): Begun {
  const connection = new PeerConnection(new ClientHandshake(options), new PlaintextWriter(), options);
  return { connection, outputs: connection.start(now) };
}

interface Read {
  readonly outcome: RecordOutcome;
  readonly authentic: boolean;
  readonly newest: boolean;
}

/**
 * Invariants:
 * - what is not protected changes nothing once the handshake is over;
 * - no application data goes up before the peer has proved who it is, which its Finished does;
 * - after `closed` there is no output, and no key is left.
 */
class PeerConnection implements Connection {
  readonly clientRandom: Uint8Array;
  readonly #options: ServerOptions | ClientOptions;
  readonly #maxPlaintext: number;
  readonly #epochs: Epochs;
  #state: Connection["state"] = "handshaking";
  /** Both until the handshake is over. */
  #handshake: Handshake | undefined;
  #reassembly: Reassembly | undefined;
  #flight: Flight | undefined;
  #ownCid: Uint8Array | undefined;
  readonly #earlyRecords = new Waiting<WireRecord>(MAX_EARLY, MAX_EARLY_BYTES);
  readonly #earlyData = new Waiting<Uint8Array>(MAX_EARLY, MAX_EARLY_BYTES);
  /** When something came that our keys do not open, for the first time in the handshake. */
  #forged: number | undefined;

  constructor(handshake: Handshake, clear: PlaintextWriter, options: ServerOptions | ClientOptions) {
    this.clientRandom = handshake.clientRandom;
    this.#options = options;
    this.#maxPlaintext = handshake.maxPlaintext;
    this.#epochs = new Epochs(clear);
    this.#handshake = handshake;
    this.#reassembly = new Reassembly(handshake.firstSequence, options.maxMessage);
  }

  get state(): Connection["state"] {
    return this.#state;
  }

  get deadline(): number | undefined {
    const due = this.#flight?.due;
    const end = this.#handshakeEnd;
    return due === undefined || end === undefined ? (end ?? due) : Math.min(due, end);
  }

  get #handshakeEnd(): number | undefined {
    if (this.#state !== "handshaking" || this.#forged === undefined) return undefined;
    return this.#forged + UNDECRYPTABLE_PATIENCE;
  }

  get ownCid(): Uint8Array | undefined {
    return this.#ownCid;
  }

  start(now: number): Output[] {
    const outputs: Output[] = [];
    this.#attempt(outputs, (handshake) => this.#apply(handshake.start(), now, outputs));
    return outputs;
  }

  receive(record: WireRecord, now: number): Received {
    const outputs: Output[] = [];
    const read = this.#read(record, now, outputs);
    // The keys may have come: what waited for them can be opened.
    if (this.#epochs.keyed && this.#earlyRecords.size > 0) {
      for (const early of this.#earlyRecords.take()) this.#read(early, now, outputs);
    }
    return { ...read, outputs };
  }

  send(bytes: Uint8Array): Output[] {
    if (this.#state !== "open" || bytes.length === 0 || bytes.length > this.#maxPlaintext) return [];
    if (this.#epochs.exhausted) return this.#leave({ kind: "exhausted" });
    return [{ kind: "send", datagram: this.#epochs.write(CONTENT.applicationData, bytes) }];
  }

  tick(now: number): Output[] {
    const outputs: Output[] = [];
    if (now >= (this.#handshakeEnd ?? Number.POSITIVE_INFINITY)) {
      this.#giveUp(outputs);
      return outputs;
    }
    const flight = this.#flight;
    if (flight === undefined || now < flight.due) return outputs;
    // Of the last flight the peer has had the time to ask for it.
    if (flight.last) this.#flight = undefined;
    else if (flight.retransmit(now)) this.#transmit(flight, outputs);
    else this.#giveUp(outputs);
    return outputs;
  }

  #giveUp(outputs: Output[]): void {
    const claimed = this.#handshake?.claimed;
    this.#end(this.#forged === undefined ? { kind: "timeout" } : { kind: "undecryptable", claimed }, outputs);
  }

  close(): Output[] {
    return this.#leave({ kind: "closed" });
  }

  #leave(reason: CloseReason): Output[] {
    const outputs: Output[] = [];
    if (this.#state === "closed") return outputs;
    this.#alert(ALERTS.CLOSE_NOTIFY, "warning", outputs);
    this.#end(reason, outputs);
    return outputs;
  }

  #read(record: WireRecord, now: number, outputs: Output[]): Read {
    const { type, epoch, fragment } = record;
    const unproved = (outcome: RecordOutcome): Read => ({ outcome, authentic: false, newest: false });
    if (this.#state === "closed" || epoch > 1) return unproved("ignored");
    if (epoch === 0) {
      return unproved(this.#state === "open" ? "ignored" : this.#content(type, fragment, epoch, now, outputs));
    }
    const opened = this.#epochs.open(record);
    if (opened === undefined) return unproved(this.#keepRecord(record) ? "held" : "overflow");
    if (opened.ok) {
      const outcome = this.#content(opened.type, opened.plaintext, epoch, now, outputs);
      return { outcome, authentic: true, newest: opened.newest };
    }
    if (opened.reason === "forged") this.#forged ??= now;
    if (this.#epochs.exhausted) outputs.push(...this.#leave({ kind: "exhausted" }));
    return unproved(opened.reason);
  }

  /** A copy, since a record is a view. */
  #keepRecord(record: WireRecord): boolean {
    const { cid, fragment, number } = record;
    const copy = { ...record, cid: cid.slice(), fragment: fragment.slice(), number: number.slice() };
    return this.#earlyRecords.add(copy, fragment.length);
  }

  #content(type: number, bytes: Uint8Array, epoch: number, now: number, outputs: Output[]): RecordOutcome {
    switch (type) {
      case CONTENT.handshake:
        return this.#fragments(bytes, epoch, now, outputs);
      case CONTENT.alert:
        return this.#readAlert(bytes, outputs);
      case CONTENT.changeCipherSpec:
        // It has no number and may be lost: the epoch of a record says the same (RFC 6347 4.1).
        return epoch === 0 ? "accepted" : "ignored";
      case CONTENT.applicationData:
        if (epoch === 0) return "ignored";
        if (this.#state !== "open") return this.#earlyData.add(bytes, bytes.length) ? "held" : "overflow";
        if (bytes.length > 0) outputs.push({ kind: "data", bytes });
        return "accepted";
      default:
        return "ignored";
    }
  }

  #readAlert(bytes: Uint8Array, outputs: Output[]): RecordOutcome {
    const alert = parseAlert(bytes);
    if (alert === undefined) return "malformed";
    // During the handshake also what is not protected: without it who is refused would wait for minutes. Who could forge it for a
    // handshake of somebody else could as well spoil a message of it.
    if (alert.code === ALERTS.CLOSE_NOTIFY) {
      // "The other party MUST respond with a close_notify alert of its own" (RFC 5246 7.2.1).
      outputs.push(...this.#leave({ kind: "peer_closed" }));
    } else if (alert.fatal) {
      this.#end({ kind: "alert", code: alert.code }, outputs);
    }
    return "accepted";
  }

  #fragments(bytes: Uint8Array, epoch: number, now: number, outputs: Output[]): RecordOutcome {
    const fragments = fragmentsOf(bytes);
    if (fragments === undefined) return "malformed";
    if (this.#state === "open") return this.#afterHandshake(fragments, epoch, now, outputs);
    let outcome: RecordOutcome = "ignored";
    for (const fragment of fragments) {
      const next = this.#fragment(fragment, epoch, now, outputs);
      if (outcome !== "accepted") outcome = next;
    }
    return outcome;
  }

  #fragment(fragment: Fragment, epoch: number, now: number, outputs: Output[]): RecordOutcome {
    if (!isInPlace(fragment, epoch)) return "ignored";
    if (this.#asksAgain(fragment, now, outputs)) return "duplicate";
    let outcome: RecordOutcome = "ignored";
    this.#attempt(outputs, (handshake, reassembly) => {
      const added = reassembly.add(fragment);
      outcome = added === "kept" ? "accepted" : added === "known" ? "duplicate" : "overflow";
      for (let message = reassembly.take(); message !== undefined; message = reassembly.take()) {
        this.#apply(handshake.message(message), now, outputs);
        if (this.#state !== "handshaking") return;
      }
    });
    return outcome;
  }

  /** The end of what our flight answers: the peer sends it again since the flight has not come (RFC 6347 4.2.4). */
  #asksAgain({ sequence, offset, bytes, length }: Fragment, now: number, outputs: Output[]): boolean {
    const flight = this.#flight;
    if (flight === undefined || sequence !== flight.answers || offset + bytes.length !== length) return false;
    if (flight.asked(now)) this.#transmit(flight, outputs);
    return true;
  }

  /** A Finished that comes again, or a renegotiation: refused with a warning, one for a record, and the session goes on (RFC 5246 7.2.2). */
  #afterHandshake(fragments: readonly Fragment[], epoch: number, now: number, outputs: Output[]): RecordOutcome {
    for (const fragment of fragments) {
      if (isInPlace(fragment, epoch) && this.#asksAgain(fragment, now, outputs)) return "duplicate";
    }
    if (!fragments.some(({ type }) => RENEGOTIATION.includes(type))) return "ignored";
    if (this.#epochs.exhausted) outputs.push(...this.#leave({ kind: "exhausted" }));
    else this.#alert(ALERTS.NO_RENEGOTIATION, "warning", outputs);
    return "accepted";
  }

  /** Whatever the handshake throws ends it: what the peer sent, or a lookup of credentials that failed. */
  #attempt(outputs: Output[], work: (handshake: Handshake, reassembly: Reassembly) => void): void {
    const [handshake, reassembly] = [this.#handshake, this.#reassembly];
    if (handshake === undefined || reassembly === undefined) return;
    try {
      work(handshake, reassembly);
    } catch (cause) {
      const error =
        cause instanceof DtlsError ? cause : new DtlsError("INTERNAL_ERROR", "the handshake failed", { cause });
      const alert = alertOf(error);
      if (alert !== undefined) this.#alert(alert, "fatal", outputs);
      this.#end({ kind: "refused", error }, outputs);
    }
  }

  #apply({ keys, flight, established }: Step, now: number, outputs: Output[]): void {
    if (keys !== undefined) {
      this.#epochs.install(keys);
      this.#ownCid = keys.ownCid;
    }
    if (flight !== undefined) {
      const { parts, answers, last } = flight;
      this.#flight = new Flight(parts, answers, last, this.#options.timing, now);
      this.#transmit(this.#flight, outputs);
    }
    if (established !== undefined && this.#state === "handshaking") this.#establish(established, outputs);
  }

  #establish(established: Established, outputs: Output[]): void {
    this.#state = "open";
    // The peer has answered it with its Finished.
    if (this.#flight?.last === false) this.#flight = undefined;
    this.#handshake?.forget();
    this.#handshake = undefined;
    this.#reassembly = undefined;
    outputs.push({ kind: "established", established });
    for (const bytes of this.#earlyData.take()) {
      if (bytes.length > 0) outputs.push({ kind: "data", bytes });
    }
  }

  #transmit(flight: Flight, outputs: Output[]): void {
    if (this.#epochs.exhausted) {
      this.#end({ kind: "exhausted" }, outputs);
      return;
    }
    const size = flight.datagramSize(this.#options.mtu);
    for (const datagram of this.#epochs.flight(flight, size, this.#maxPlaintext)) {
      outputs.push({ kind: "send", datagram });
    }
  }

  /** Beyond the limits of the keys it is called once, by `#leave`: the sealer keeps room for it. */
  #alert(code: number, level: "warning" | "fatal", outputs: Output[]): void {
    outputs.push({ kind: "send", datagram: this.#epochs.write(CONTENT.alert, encodeAlert(code, level)) });
  }

  #end(reason: CloseReason, outputs: Output[]): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#handshake?.forget();
    this.#handshake = undefined;
    this.#reassembly = undefined;
    this.#flight = undefined;
    this.#epochs.forget();
    this.#earlyRecords.take();
    this.#earlyData.take();
    outputs.push({ kind: "closed", reason });
  }
}

/** Only a Finished is protected, and it always is. */
function isInPlace({ type }: Fragment, epoch: number): boolean {
  return (type === HANDSHAKE_TYPES.finished) === (epoch === 1);
}

/** Undefined: it is not made of fragments. */
function fragmentsOf(bytes: Uint8Array): Fragment[] | undefined {
  try {
    return parseFragments(bytes);
  } catch {
    return undefined;
  }
}
