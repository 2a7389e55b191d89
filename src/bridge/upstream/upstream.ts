import { setTimeout as sleep } from "node:timers/promises";
import type { Message, Qos } from "../../core/message.js";
import { Connection, type ConnectionOptions, type Incoming } from "../connection/connection.js";
import { type Credentials, readCredentials } from "../connection/credentials.js";
import { ServerRefusal } from "../connection/refusal.js";
import { withPatience } from "../patience.js";
import { type Abilities, abilitiesOf, shortcomings } from "../session/abilities.js";
import { afterConnect, afterReset, afterSessionRefused, mustReset, sessionName } from "../session/continuity.js";
import type { Change, Servers as SessionServers } from "../session/session.js";
import type { UpstreamOptions, UpstreamParts } from "./options.js";
import { probeQos } from "./probe.js";
import { Servers } from "./servers.js";
import { subscribePacket, tellGranted } from "./subscribe.js";
import { trialOf } from "./trial.js";
import { Watch } from "./watch.js";

/** How long what is on its way may take to come to its end before a connection is left on purpose, in ms. */
const LEAVING = 5_000;
/** What a server can do is found out anew on the first connection after so long, in ms: it may have been upgraded. */
const PROBE_AGAIN = 10 * 60_000;
/** A connection that lasted so long was a success, in ms: the pauses begin anew. */
const LASTING = 10_000;
/** Reason codes of CONNACK (MQTT 5): retained messages, or the QoS of the will, are more than it can. */
const WILL_TOO_MUCH: readonly number[] = [0x9a, 0x9b];
/** MQTT 5; ejabberd says it in MQTT 3.1.1 too. */
const UNSPECIFIED = 0x80;
/**
 * A node of ejabberd whose session was taken over while it hung refuses the client id like that for as long as its session is asked
 * for, and takes it with a clean start. Some refusals may pass by themselves.
 */
const REFUSALS = 4;

/**
 * Keeps one connection to an upstream, on one of its servers, for ever: chooses the server, connects, hands the
 * connection to `outgoing` and `incoming`, and begins again when it ends.
 */
export class Upstream {
  readonly #options: UpstreamOptions;
  readonly #parts: UpstreamParts;
  readonly #servers: Servers;
  readonly #closing = new AbortController();
  readonly #probed = new Map<string, { readonly qos: Qos; readonly at: number }>();
  /** Servers whose shortcomings were told. */
  readonly #told = new Map<string, string>();
  /** Servers that take no will that is retained, or of such a QoS. */
  readonly #modest = new Set<string>();
  /** How often in a row a server has refused us without a reason. */
  readonly #unspecified = new Map<string, number>();
  #session: SessionServers;
  #surveyed: boolean;
  #live: Live | undefined;
  readonly #done: Promise<void>;

  constructor(options: UpstreamOptions, parts: UpstreamParts) {
    this.#options = options;
    this.#parts = parts;
    this.#servers = new Servers({ urls: options.servers, pause: options.pause });
    const { home, clean } = parts.store.recovered.servers;
    const known = options.servers.map((url) => this.#nameOf(url));
    this.#session = { home, clean: clean.filter((name) => known.includes(name)) };
    this.#surveyed = !parts.store.recovered.fresh;
    this.#done = this.#run();
  }

  /** The server and what it can do, while there is a connection. */
  get live(): { readonly url: string; readonly abilities: Abilities } | undefined {
    return this.#live;
  }

  /** Says something now, if there is a connection. At QoS 0: it is said anew on the next one. */
  announce({ topic, payload, retain: asked }: Message): void {
    if (this.#live === undefined) return;
    const { connection, abilities } = this.#live;
    const retain = asked && abilities.retain;
    connection.send({ kind: "publish", topic, payload, retain, qos: 0, dup: false });
  }

  /** Ends in order where there is a connection, and does not connect again. Never rejects. */
  async close(farewell: Message | undefined): Promise<void> {
    if (farewell !== undefined) this.announce(farewell);
    const live = this.#live;
    this.#closing.abort(new Error("the gateway is stopping"));
    await live?.connection.end();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const { url, wait } = this.#servers.next(performance.now());
      if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        const credentials = await readCredentials(this.#options);
        await this.#survey(credentials);
        await this.#stay(url, credentials);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ServerRefusal) await this.#refused(url, error.reasonCode);
        this.#parts.report.failed(url, error);
        this.#servers.failed(url, performance.now());
      }
    }
  }

  async #refused(url: string, reasonCode: number): Promise<void> {
    if (WILL_TOO_MUCH.includes(reasonCode)) this.#modest.add(url);
    if (reasonCode !== UNSPECIFIED) return;
    const times = (this.#unspecified.get(url) ?? 0) + 1;
    this.#unspecified.set(url, times % REFUSALS);
    if (times < REFUSALS) return;
    const why = `${url} has refused us ${REFUSALS} times without a reason: its session of ours is begun anew`;
    this.#parts.report.note("warn", "bridge_session_refused", why);
    await this.#remember(afterSessionRefused(this.#session, this.#nameOf(url)), []);
  }

  /** From connecting until the connection ends. Rejects where there was none. */
  async #stay(url: string, credentials: Credentials): Promise<void> {
    const { outgoing, incoming, report, waiting } = this.#parts;
    const options = this.#connectionOptions(url, credentials);
    if (mustReset(this.#session, this.#nameOf(url))) await this.#reset(options);
    const maximumQos = await this.#probe(options);
    const connection = await Connection.open(options, this.#closing.signal);
    const sessionPresent = connection.connack.sessionPresent && !options.clean;
    try {
      const servers = afterConnect(this.#session, this.#nameOf(url), sessionPresent);
      await this.#remember(servers, sessionPresent ? [] : [{ kind: "reset" }]);
      // Whoever closed meanwhile found no connection that it could end.
      this.#closing.signal.throwIfAborted();
    } catch (error) {
      await connection.end();
      throw error;
    }
    const begun = performance.now();
    const abilities = abilitiesOf(options.version, connection.connack, maximumQos);
    let end = (_: { readonly error: unknown }): void => {};
    const ended = new Promise<{ readonly error: unknown }>((resolve) => {
      end = resolve;
    });
    const live: Live = { url, abilities, connection, ended, leaving: false };
    this.#live = live;
    this.#tell(url, abilities);
    this.#unspecified.delete(url);
    report.up(url, waiting());
    incoming.connected(connection, sessionPresent);
    const { subscriptions } = this.#parts;
    if (subscriptions.length > 0) connection.send(subscribePacket(options.version, subscriptions));
    // In this order: who sees `online` can send commands.
    for (const message of this.#parts.announcements()) this.announce(message);
    const watch = this.#watch(live, credentials);
    outgoing.connected(connection, abilities, sessionPresent);
    this.#parts.onUp();
    connection.begin({
      packet: (packet) => this.#receive(packet),
      drained: () => outgoing.pump(),
      owed: () => outgoing.oldest,
      closed: (error) => end({ error }),
    });
    const { error } = await ended;
    const onPurpose = this.#closing.signal.aborted || live.leaving;
    this.#live = undefined;
    incoming.disconnected();
    outgoing.disconnected(!onPurpose && endedThere(error));
    await watch.stop();
    if (onPurpose) return;
    report.down(url, waiting(), error);
    if (performance.now() - begun >= LASTING) this.#servers.well(url);
    this.#servers.failed(url, performance.now());
  }

  #connectionOptions(url: string, credentials: Credentials): ConnectionOptions {
    const { protocol, clientId, clean, username, keepAlive, timeout, lookup } = this.#options;
    const asked = this.#parts.will;
    const will = asked && this.#modest.has(url) ? { ...asked, qos: 0 as const, retain: false } : asked;
    const session = { clean, keepSession: !clean };
    return { url, version: protocol, clientId, ...session, username, credentials, keepAlive, timeout, will, lookup };
  }

  /**
   * In a first life nothing is known of any server, and each may hold a stale session under our client id. All are given a clean
   * start before anything is sent: later, in a cluster that shares sessions, it would take the living one.
   */
  async #survey(credentials: Credentials): Promise<void> {
    if (this.#surveyed) return;
    this.#surveyed = true;
    if (this.#options.servers.length === 1) return;
    for (const url of this.#options.servers) {
      // One that cannot be reached gets it when it is first connected to.
      await this.#reset(this.#connectionOptions(url, credentials)).catch(() => {});
    }
  }

  #nameOf(url: string): string {
    return sessionName({ url, clientId: this.#options.clientId, batched: this.#parts.batched });
  }

  async #reset(options: ConnectionOptions): Promise<void> {
    const connection = await Connection.open(trialOf(options), this.#closing.signal);
    await connection.end();
    await this.#remember(afterReset(this.#session, this.#nameOf(options.url)), []);
  }

  async #remember(servers: SessionServers, others: readonly Change[]): Promise<void> {
    const { home, clean } = this.#session;
    const same = servers.home === home && servers.clean.join(" ") === clean.join(" ");
    const changes = [...(same ? [] : [{ kind: "servers" as const, ...servers }]), ...others];
    if (changes.length > 0) await this.#parts.store.record(changes);
    this.#session = servers;
  }

  async #probe(options: ConnectionOptions): Promise<Qos> {
    const { probeTopic } = this.#parts;
    if (options.version === 5 || probeTopic === undefined) return 2;
    const known = this.#probed.get(options.url);
    if (known !== undefined && performance.now() - known.at < PROBE_AGAIN) return known.qos;
    const qos = (await probeQos(options, probeTopic, this.#closing.signal)) ?? 2;
    this.#probed.set(options.url, { qos, at: performance.now() });
    return qos;
  }

  /** Once for each server and each set of shortcomings. */
  #tell(url: string, abilities: Abilities): void {
    const missing = shortcomings(abilities).join("; ");
    if (missing === (this.#told.get(url) ?? "")) return;
    this.#told.set(url, missing);
    if (missing !== "") this.#parts.report.note("warn", "bridge_downgraded", `${url}: ${missing}`);
  }

  #receive(packet: Incoming): void {
    switch (packet.kind) {
      case "publish":
      case "pubrel":
        this.#parts.incoming.take(packet);
        return;
      case "suback":
        tellGranted(this.#parts.subscriptions, packet.reasonCodes, this.#parts.report);
        return;
      default:
        this.#parts.outgoing.acknowledged(packet);
        return;
    }
  }

  #watch(live: Live, credentials: Credentials): Watch {
    const { preferred, failback } = this.#options;
    const { report, will } = this.#parts;
    const ahead = preferred === "first" ? this.#servers.ahead(live.url) : [];
    return new Watch({
      credentials: this.#options,
      fingerprint: credentials.fingerprint,
      ahead: ahead.map((url) => this.#connectionOptions(url, credentials)),
      failback,
      renewed: () => {
        report.note("info", "bridge_renewed", "certificates or token changed: connecting anew with them");
        return this.#leave(live);
      },
      better: (url) => {
        report.note("info", "bridge_failback", `${url} is well again: going back to it`);
        this.#servers.well(url);
        this.#servers.prefer(url);
        return this.#leave(live, will);
      },
      unreadable: (why) => report.note("warn", "bridge_credentials", `keeping the old ones: ${why}`),
    });
  }

  /** In order: nothing new is sent, and what is on its way comes to its end if it can. `farewell`: for a server that is left behind. */
  async #leave(live: Live, farewell?: Message): Promise<void> {
    if (live.leaving || live !== this.#live) return;
    live.leaving = true;
    const { outgoing } = this.#parts;
    outgoing.hold();
    await withPatience(Promise.race([outgoing.through(), live.ended]), LEAVING);
    if (farewell !== undefined) this.announce(farewell);
    await live.connection.end();
  }
}

interface Live {
  readonly url: string;
  readonly abilities: Abilities;
  readonly connection: Connection;
  /** Resolves with why; undefined where the far side just closed. */
  readonly ended: Promise<{ readonly error: unknown }>;
  /** It is ended on purpose. */
  leaving: boolean;
}

/** Whether it was the far side that ended the connection, not we nor the way between. */
function endedThere(error: unknown): boolean {
  if (error === undefined) return true;
  if (error instanceof ServerRefusal) return true;
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
