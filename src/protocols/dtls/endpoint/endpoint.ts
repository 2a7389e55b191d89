import type { Peer } from "../../datagram/index.js";
import { type CloseReason, clientConnection, type Established, type Output, serverConnection } from "../connection.js";
import { type Side, sameBytes } from "../crypto/index.js";
import { alertText, DtlsError } from "../errors.js";
import { holdsKey } from "../handshake/server-choice.js";
import { parseDatagram, type WireRecord } from "../record/index.js";
import { Association, identityKey, keyOf } from "./association.js";
import { CookieJar } from "./cookie.js";
import { type Counters, type EndReason, newCounters, type Outcome } from "./counters.js";
import { cookieDatagram, isClientHello, readHello } from "./hello.js";
import type { ClientSide, ServerSide, Settings } from "./options.js";
import { Registry } from "./registry.js";
import { SessionCache } from "./session-cache.js";

export type Effect =
  | { readonly kind: "send"; readonly datagram: Uint8Array; readonly to: Peer }
  | { readonly kind: "opened"; readonly peer: Association }
  | { readonly kind: "data"; readonly bytes: Uint8Array; readonly peer: Association }
  | Ended;

export interface Ended {
  readonly kind: "ended";
  readonly peer: Association;
  /** Its handshake was completed before. */
  readonly opened: boolean;
  readonly reason: EndReason;
  /** Of the alert, or of the error that we refused it with. */
  readonly code: string | undefined;
  /** The same in words. */
  readonly detail: string | undefined;
  /** The identity of the pre-shared key that it said it has. */
  readonly claimed: string | undefined;
}

/** When something happens: ms of any fixed start, and ms since 1970 for certificates. */
export interface Now {
  readonly now: number;
  readonly wall: number;
}

/** After these a session is not resumed (RFC 5246 7.2.2). */
const SPOILED: readonly EndReason[] = ["alert", "refused", "exhausted"];

/**
 * DTLS with any number of peers over one socket. Pure: datagrams, addresses and time in, effects out, in order. Never throws on what comes from a wire.
 * Nothing is remembered of an address before it has returned a cookie.
 */
export class Endpoint {
  readonly counters: Counters = newCounters();
  #settings: Settings;
  readonly #jar: CookieJar;
  readonly #registry = new Registry();
  readonly #clientsSessions: SessionCache;
  readonly #serversSessions: SessionCache;
  #count = 0;

  constructor(settings: Settings, now: number) {
    const { random, limits } = settings;
    this.#settings = settings;
    this.#jar = new CookieJar(random, now);
    this.#clientsSessions = new SessionCache(limits.resumable, limits.resumableAge);
    this.#serversSessions = new SessionCache(limits.resumable, limits.resumableAge);
  }

  /**
   * Other credentials. Sessions go on, but for those whose pre-shared key `lookup` does not give any more. None that was made before is resumed, as
   * nobody knows whether its certificate would be believed now. Clients whose handshakes are under way, with what was before, begin again.
   */
  renew({ keys, trust }: Pick<Settings, "keys" | "trust">): Effect[] {
    const effects: Effect[] = [];
    const { trust: _, ...others } = this.#settings;
    this.#settings = { ...others, keys, ...(trust === undefined ? {} : { trust }) };
    this.#clientsSessions.clear();
    this.#serversSessions.clear();
    for (const association of this.#registry.connecting) association.resumableAs = undefined;
    for (const association of this.#registry.accepting) this.#close(association, "closed", true, effects);
    for (const association of this.#registry.open) {
      if (!this.#isStillHeld(association)) this.#close(association, "closed", true, effects);
    }
    return effects;
  }

  /** When `tick` wants to be called. */
  get deadline(): number | undefined {
    const { deadlines, open } = this.#registry;
    const [idlest] = open;
    const due = deadlines.first?.due ?? Number.POSITIVE_INFINITY;
    const idle = idlest === undefined ? Number.POSITIVE_INFINITY : idlest.heard + this.#settings.idle;
    const first = Math.min(due, idle);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  /** Handshakes under way, open sessions, and those that could be resumed. */
  get sizes(): { readonly shaking: number; readonly open: number; readonly resumable: number } {
    const { accepting, connecting, open } = this.#registry;
    const resumable = this.#clientsSessions.size + this.#serversSessions.size;
    return { shaking: accepting.size + connecting.size, open: open.size, resumable };
  }

  /** By the id of its peer. Undefined: it is over. */
  find(id: string): Association | undefined {
    return this.#registry.byId.get(id);
  }

  /** The handshake that is under way with an address. */
  shakingAt(address: Peer): Association | undefined {
    return this.#registry.at(address.id)?.shaking;
  }

  receive(bytes: Uint8Array, from: Peer, time: Now): Effect[] {
    const effects: Effect[] = [];
    this.counters.datagrams++;
    const { records, fault } = parseDatagram(bytes, this.#settings.cidLength);
    if (fault !== undefined) this.counters.unread[fault]++;
    for (const record of records) this.counters.records[this.#record(record, from, time, effects)]++;
    return effects;
  }

  /** The session with an address, or its handshake, which is begun where there is none. Throws DtlsError FULL or OPTIONS. */
  connect(to: Peer, { now, wall }: Now): { readonly peer: Association; readonly effects: Effect[] } {
    const effects: Effect[] = [];
    const slot = this.#registry.at(to.id);
    const there = slot?.open ?? slot?.shaking;
    if (there !== undefined) return { peer: there, effects };
    const side = this.#settings.client?.(to);
    if (side === undefined) throw new DtlsError("OPTIONS", `no credentials for ${to.id}`);
    if (this.#registry.connecting.size >= this.#settings.limits.halfOpen) {
      throw new DtlsError("FULL", "too many handshakes are under way");
    }
    const cid = this.#newCid();
    const key = `${to.id} ${side.serverName ?? ""}`;
    const opened = clientConnection(this.#clientOptions(side, key, cid, { now, wall }), now);
    const peer = new Association(this.#newId(), "client", opened.connection, to, cid, now);
    peer.resumableAs = key;
    this.#registry.begin(peer);
    this.#apply(peer, opened.outputs, now, effects);
    return { peer, effects };
  }

  /** False: it was not sent, because the session is over, or not open yet, or the bytes do not fit in a record. */
  send(peer: Association, bytes: Uint8Array, now: number): { readonly sent: boolean; readonly effects: Effect[] } {
    const effects: Effect[] = [];
    this.#apply(peer, peer.connection.send(bytes), now, effects);
    return { sent: effects.some(({ kind }) => kind === "send"), effects };
  }

  /** Ends a session and tells its peer. */
  disconnect(peer: Association): Effect[] {
    const effects: Effect[] = [];
    if (this.find(peer.id) === peer) this.#close(peer, "closed", true, effects);
    return effects;
  }

  /** Retransmissions, handshakes nobody answers, and sessions from which nothing comes. */
  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    const { deadlines, open, byId } = this.#registry;
    // One that waits for a time that is over already must not keep us here.
    for (let left = byId.size; left > 0; left--) {
      const { first } = deadlines;
      if (first === undefined || first.due > now) break;
      this.#apply(first, first.connection.tick(now), now, effects);
    }
    for (const association of open) {
      if (association.heard + this.#settings.idle > now) break;
      this.#close(association, "idle", true, effects);
    }
    return effects;
  }

  /** Ends all sessions and tells their peers. */
  close(): Effect[] {
    const effects: Effect[] = [];
    for (const association of this.#registry.byId.values()) this.#close(association, "closed", true, effects);
    this.#clientsSessions.clear();
    this.#serversSessions.clear();
    return effects;
  }

  #record(record: WireRecord, from: Peer, time: Now, effects: Effect[]): Outcome {
    if (record.cid.length > 0) {
      const association = this.#registry.byCid.get(keyOf(record.cid));
      return association === undefined
        ? "unknown_cid"
        : this.#deliver(association, record, from, time.now, effects).outcome;
    }
    if (isClientHello(record)) return this.#hello(record, from, time, effects);
    const slot = this.#registry.at(from.id);
    const { open, shaking } = slot ?? {};
    // In the clear there is nothing for a session that is open while another handshake is under way.
    const first = record.epoch === 0 ? (shaking ?? open) : (open ?? shaking);
    if (first === undefined) return "unknown_address";
    const { outcome, authentic } = this.#deliver(first, record, from, time.now, effects);
    if (authentic || record.epoch === 0 || first === shaking || shaking === undefined) return outcome;
    // Not of the session: of the handshake that may come in its place.
    return this.#deliver(shaking, record, from, time.now, effects).outcome;
  }

  #deliver(association: Association, record: WireRecord, from: Peer, now: number, effects: Effect[]) {
    const received = association.connection.receive(record, now);
    if (received.authentic) this.#registry.hear(association, now);
    // RFC 9146 6: authentic, newer than all before, and of a session that is found wherever it is.
    if (received.newest && association.hasCid && association.at.id !== from.id) {
      this.counters.moved++;
      this.#registry.move(association, from);
    }
    this.#apply(association, received.outputs, now, effects);
    return received;
  }

  #hello(record: WireRecord, from: Peer, time: Now, effects: Effect[]): Outcome {
    const { server, limits } = this.#settings;
    if (server === undefined) return "hello_ignored";
    // A hello is alone in its datagram. Many in one would multiply what we send, and the keys that we make.
    if (effects.some(({ kind }) => kind === "send")) return "hello_refused";
    const read = readHello(record);
    if (typeof read === "string") return read;
    const { hello, body, messageSequence } = read;
    const slot = this.#registry.at(from.id);
    // One that comes again, perhaps so late that its cookie is too old: another cookie would make the client begin again, and the server not.
    const known =
      hello.cookie.length > 0 && [slot?.shaking, slot?.open].find((each) => each && beganWith(each, hello.random));
    if (known) return this.#deliver(known, record, from, time.now, effects).outcome;
    if (!this.#jar.isOurs(hello.cookie, from.id, body, time.now)) {
      const cookie = this.#jar.bake(from.id, body, time.now);
      effects.push({ kind: "send", datagram: cookieDatagram(record.sequence, messageSequence, cookie), to: from });
      return "cookie_sent";
    }
    const shaking = slot?.shaking;
    if (shaking !== undefined) {
      // Both began at once: the hello with the lesser random goes on, on both sides.
      const ours = shaking.side === "client" ? Buffer.compare(shaking.connection.clientRandom, hello.random) : 1;
      if (ours < 0) return "hello_refused";
      this.#close(shaking, "replaced", false, effects);
    }
    if (this.#registry.acceptingFrom(from.address) >= limits.halfOpenPerAddress) return "hello_refused";
    if (this.#registry.accepting.size >= limits.halfOpen) {
      const [oldest] = this.#registry.accepting;
      if (oldest !== undefined) this.#close(oldest, "evicted", false, effects);
    }
    const cid = this.#newCid();
    const seen: { key?: string } = {};
    const verified = { ...read, recordSequence: record.sequence };
    const opened = serverConnection(verified, this.#serverOptions(server, cid, time, seen), time.now);
    const association = new Association(this.#newId(), "server", opened.connection, from, cid, time.now);
    association.resumableAs = seen.key;
    this.#registry.begin(association);
    this.#apply(association, opened.outputs, time.now, effects);
    return "hello_accepted";
  }

  #apply(association: Association, outputs: readonly Output[], now: number, effects: Effect[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          effects.push({ kind: "send", datagram: output.datagram, to: association.at });
          break;
        case "data":
          effects.push({ kind: "data", bytes: output.bytes, peer: association });
          break;
        case "established":
          this.#establish(association, output.established, now, effects);
          break;
        case "closed": {
          this.#end(association, output.reason, effects);
          break;
        }
      }
    }
    if (this.#registry.byId.get(association.id) !== association) return;
    this.#registry.deadlines.set(association, association.connection.deadline);
  }

  #establish(association: Association, established: Established, now: number, effects: Effect[]): void {
    const { limits } = this.#settings;
    const registry = this.#registry;
    association.established = established;
    association.heard = now;
    this.counters.opened++;
    if (established.resumed) this.counters.resumed++;
    this.#keep(association, established, now);
    const before = registry.at(association.at.id)?.open;
    if (before !== undefined && !isElsewhere(before, association)) this.#close(before, "replaced", false, effects);
    registry.settle(association);
    effects.push({ kind: "opened", peer: association });
    this.#bound(registry.ofIdentity(association), limits.openPerIdentity, effects);
    this.#bound(registry.open, limits.open, effects);
  }

  #bound(sessions: ReadonlySet<Association>, most: number, effects: Effect[]): void {
    for (const each of sessions) {
      if (sessions.size <= most) break;
      this.#close(each, "evicted", true, effects);
    }
  }

  #keep(association: Association, { session, resumed }: Established, now: number): void {
    // A client may name any session: only one that goes on is its own.
    if (association.side === "server" && !resumed) association.resumableAs = session && keyOf(session.id);
    const key = association.resumableAs;
    if (session !== undefined && key !== undefined) this.#sessionsOf(association.side).keep(key, session, now);
    else session?.master.fill(0);
  }

  /** Whether a client that has shown a pre-shared key has it from us still. */
  #isStillHeld({ side, identity, established }: Association): boolean {
    if (side === "client" || identity?.kind !== "psk") return true;
    return holdsKey(this.#settings.server?.psk, identity.identity, established?.pskDigest);
  }

  /** Ours to end. `tell`: its peer is told; one whose address is not proved, or that has another session, is not. */
  #close(association: Association, reason: EndReason, tell: boolean, effects: Effect[]): void {
    for (const output of association.connection.close()) {
      if (output.kind !== "send" || !tell) continue;
      effects.push({ kind: "send", datagram: output.datagram, to: association.at });
    }
    this.#end(association, { kind: reason }, effects);
  }

  #end(association: Association, why: CloseReason | { readonly kind: EndReason }, effects: Effect[]): void {
    const reason = why.kind;
    const opened = association.established !== undefined;
    this.#registry.remove(association);
    this.counters[opened ? "ended" : "failed"][reason]++;
    const key = association.resumableAs;
    if (opened && key !== undefined && SPOILED.includes(reason)) this.#sessionsOf(association.side).drop(key);
    effects.push({ kind: "ended", peer: association, opened, reason, ...detailsOf(why) });
  }

  #sessionsOf(side: Side): SessionCache {
    return side === "server" ? this.#serversSessions : this.#clientsSessions;
  }

  #newId(): string {
    return `dtls:${++this.#count}`;
  }

  /** That nobody else has. Empty where we want none. */
  #newCid(): Uint8Array {
    const { cidLength, random } = this.#settings;
    if (cidLength === 0) return new Uint8Array(0);
    let cid = random(cidLength);
    while (this.#registry.byCid.has(keyOf(cid))) cid = random(cidLength);
    return cid;
  }

  #commonOptions(cid: Uint8Array, wall: number) {
    const { suites, mtu, timing, maxMessage, random, keys, trust } = this.#settings;
    return { suites, mtu, timing, maxMessage, random, keys, trust, cid, wall };
  }

  #serverOptions(server: ServerSide, cid: Uint8Array, { now, wall }: Now, seen: { key?: string }) {
    const { psk, clientCertificate = "required" } = server;
    return {
      ...this.#commonOptions(cid, wall),
      psk: psk === undefined ? undefined : { lookup: psk.lookup, hint: psk.hint },
      clientCertificate,
      resume: (id: Uint8Array) => {
        seen.key = keyOf(id);
        return this.#serversSessions.find(seen.key, now);
      },
    };
  }

  #clientOptions({ psk, serverName }: ClientSide, key: string, cid: Uint8Array, { now, wall }: Now) {
    return { ...this.#commonOptions(cid, wall), psk, serverName, session: this.#clientsSessions.find(key, now) };
  }
}

/**
 * Its client's hello had this random. Of an open one only for as long as a datagram may be on its way, which is as long as it waits to send its last
 * flight again: there are devices whose random numbers begin anew with each start, and one that has started is to be let in.
 */
function beganWith({ side, connection, established }: Association, random: Uint8Array): boolean {
  if (side !== "server" || (established !== undefined && connection.deadline === undefined)) return false;
  return sameBytes(connection.clientRandom, random);
}

function detailsOf(why: CloseReason | { readonly kind: EndReason }): Pick<Ended, "code" | "detail" | "claimed"> {
  const [error, claimed] = ["error" in why ? why.error : undefined, "claimed" in why ? why.claimed : undefined];
  const code = "code" in why ? `${why.code}` : error?.code;
  const detail = "code" in why ? alertText(why.code) : error?.message;
  return { code, detail, claimed };
}

/** Another peer had that address before, and goes on elsewhere: behind a NAT that is so. */
function isElsewhere(before: Association, after: Association): boolean {
  const [old, next] = [identityKey(before.identity), identityKey(after.identity)];
  return before.hasCid && old !== undefined && next !== undefined && old !== next;
}
