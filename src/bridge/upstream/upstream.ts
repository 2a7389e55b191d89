import type { LookupFunction } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../core/errors.js";
import type { Message, Qos } from "../../core/message.js";
import { Connection, type ConnectionOptions, type Incoming } from "../connection/connection.js";
import { type Credentials, readCredentials, type TlsOptions } from "../connection/credentials.js";
import { ServerRefusal } from "../connection/refusal.js";
import { withPatience } from "../patience.js";
import type { BridgeReport } from "../report.js";
import { type Abilities, abilitiesOf, shortcomings } from "../session/abilities.js";
import { afterConnect, afterReset, mustReset } from "../session/continuity.js";
import type { IncomingMessages } from "../session/incoming.js";
import type { Outgoing } from "../session/outgoing.js";
import { SUBSCRIBE_ID } from "../session/packet-id.js";
import type { Servers as SessionServers, SessionStore } from "../session/session.js";
import { probeQos } from "./probe.js";
import { Servers } from "./servers.js";

export interface UpstreamOptions {
  /** The bridge's. */
  readonly id: string;
  /** mqtt://, mqtts://, ws:// or wss://; the preferred one first. */
  readonly servers: readonly string[];
  /** `first`: goes back to a server further ahead once it is well. */
  readonly preferred: "first" | "none";
  /** How often those are looked at, in ms. */
  readonly failback: number;
  readonly clientId: string;
  readonly protocol: 4 | 5;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** ms */
  readonly keepAlive: number;
  /** ms: for an answer. */
  readonly timeout: number;
  readonly clean: boolean;
  /** How long to leave a server alone after so many failures in a row, in ms. */
  readonly pause: (failures: number) => number;
  readonly lookup?: LookupFunction | undefined;
}

export interface UpstreamParts {
  readonly store: SessionStore;
  readonly outgoing: Outgoing;
  readonly incoming: IncomingMessages;
  readonly report: BridgeReport;
  readonly will: Message | undefined;
  /** Where a probe of QoS 2 may publish; undefined where nothing is to be probed. */
  readonly probeTopic: string | undefined;
  readonly subscriptions: readonly Subscription[];
  /** What is said on every connection, before all else. */
  readonly announcements: () => readonly Message[];
  /** Messages that wait, for the log. */
  readonly waiting: () => number;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  /** MQTT 5: not what we published ourselves. */
  readonly noLocal: boolean;
}

/** How often files with certificates and tokens are looked at for a change, in ms. */
const CREDENTIALS_EVERY = 10_000;
/** How long what is on its way may take to come to its end before a connection is left on purpose, in ms. */
const LEAVING = 5_000;
/** What a server can do is found out anew on the first connection after so long, in ms: it may have been upgraded. */
const PROBE_AGAIN = 10 * 60_000;
/** A connection that lasted so long was a success, in ms: the pauses begin anew. */
const LASTING = 10_000;

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
  #session: SessionServers;
  #surveyed: boolean;
  #live: Live | undefined;
  readonly #done: Promise<void>;

  constructor(options: UpstreamOptions, parts: UpstreamParts) {
    this.#options = options;
    this.#parts = parts;
    this.#servers = new Servers({ urls: options.servers, pause: options.pause });
    this.#session = parts.store.recovered.servers;
    this.#surveyed = !parts.store.recovered.fresh;
    this.#done = this.#run();
  }

  /** The server and what it can do, while there is a connection. */
  get live(): { readonly url: string; readonly abilities: Abilities } | undefined {
    return this.#live;
  }

  /** Says something now, if there is a connection. At QoS 0: it is said anew on the next one. */
  announce({ topic, payload, retain }: Message): void {
    this.#live?.connection.send({ kind: "publish", topic, payload, retain, qos: 0, dup: false });
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
        this.#parts.report.failed(url, error);
        this.#servers.failed(url, performance.now());
      }
    }
  }

  /** From connecting until the connection ends. Rejects where there was none. */
  async #stay(url: string, credentials: Credentials): Promise<void> {
    const { outgoing, incoming, report, waiting } = this.#parts;
    const options = this.#connectionOptions(url, credentials);
    if (mustReset(this.#session, url)) await this.#reset(options);
    const maximumQos = await this.#probe(options);
    const connection = await Connection.open(options, this.#closing.signal);
    const sessionPresent = connection.connack.sessionPresent && !options.clean;
    await this.#remember(afterConnect(this.#session, url, sessionPresent, outgoing.halfway));
    const abilities = abilitiesOf(options.version, connection.connack, maximumQos);
    const begun = performance.now();
    const live: Live = { url, abilities, connection, leaving: false };
    this.#live = live;
    this.#tell(url, abilities);
    report.up(url, waiting());
    const ended = await new Promise<{ readonly error: unknown }>((resolve) => {
      incoming.connected(connection, sessionPresent);
      // In this order: who sees `online` can send commands.
      this.#subscribe(connection);
      for (const message of this.#parts.announcements()) this.announce(message);
      this.#watch(live, credentials);
      outgoing.connected(connection, abilities, sessionPresent);
      connection.begin({
        packet: (packet) => this.#receive(packet),
        drained: () => outgoing.pump(),
        closed: (error) => resolve({ error }),
      });
    });
    clearInterval(live.failback);
    clearInterval(live.renewal);
    this.#live = undefined;
    incoming.disconnected();
    outgoing.disconnected(endedThere(ended.error));
    if (this.#closing.signal.aborted || live.leaving) return;
    report.down(url, waiting(), ended.error);
    if (performance.now() - begun >= LASTING) this.#servers.well(url);
    this.#servers.failed(url, performance.now());
  }

  #connectionOptions(url: string, credentials: Credentials): ConnectionOptions {
    const { protocol, clientId, clean, username, keepAlive, timeout, lookup } = this.#options;
    const { will } = this.#parts;
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

  async #reset(options: ConnectionOptions): Promise<void> {
    const clean = { ...options, clean: true, keepSession: false, will: undefined };
    const connection = await Connection.open(clean, this.#closing.signal);
    await connection.end();
    await this.#remember(afterReset(this.#session, options.url));
  }

  async #remember(servers: SessionServers): Promise<void> {
    if (servers === this.#session) return;
    const { home, clean } = this.#session;
    const same = servers.home === home && servers.clean.join(" ") === clean.join(" ");
    this.#session = servers;
    if (!same) await this.#parts.store.record([{ kind: "servers", ...servers }]);
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
        this.#subscribed(packet.reasonCodes);
        return;
      default:
        this.#parts.outgoing.acknowledged(packet);
        return;
    }
  }

  #subscribe(connection: Connection): void {
    const { subscriptions } = this.#parts;
    if (subscriptions.length === 0) return;
    connection.send({
      kind: "subscribe",
      packetId: SUBSCRIBE_ID,
      subscriptions: subscriptions.map(({ filter, qos, noLocal }) =>
        this.#options.protocol === 5
          ? { filter, qos, noLocal, retainAsPublished: true, retainHandling: 0 as const }
          : { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 as const },
      ),
    });
  }

  #subscribed(reasonCodes: readonly number[]): void {
    for (const [index, { filter, qos }] of this.#parts.subscriptions.entries()) {
      const granted = reasonCodes[index] ?? 0x80;
      if (granted >= 0x80)
        this.#parts.report.note("warn", "bridge_subscribe_failed", `the upstream refuses a subscription to ${filter}`);
      else if (granted < qos)
        this.#parts.report.note("info", "bridge_subscribe_lowered", `${filter} comes with QoS ${granted}, not ${qos}`);
    }
  }

  /** Looks for reasons to leave this connection for a better one. */
  #watch(live: Live, credentials: Credentials): void {
    const { preferred, failback, tls, passwordFile } = this.#options;
    if (tls?.ca ?? tls?.cert ?? passwordFile)
      live.renewal = setInterval(() => void this.#renew(live, credentials), CREDENTIALS_EVERY);
    const ahead = preferred === "first" ? this.#servers.ahead(live.url) : [];
    if (ahead.length === 0) return;
    const well = new Map<string, number>();
    live.failback = setInterval(() => void this.#lookAhead(live, credentials, ahead, well), failback);
  }

  /** Certificates and tokens that were renewed are used before the old ones run out. */
  async #renew(live: Live, { fingerprint }: Credentials): Promise<void> {
    try {
      const now = await readCredentials(this.#options);
      if (now.fingerprint === fingerprint || live !== this.#live) return;
      this.#parts.report.note("info", "bridge_renewed", "certificates or token changed: connecting anew with them");
      await this.#leave(live);
    } catch (error) {
      this.#parts.report.note("warn", "bridge_credentials", `keeping the old ones: ${messageOf(error)}`);
    }
  }

  async #lookAhead(
    live: Live,
    credentials: Credentials,
    ahead: readonly string[],
    well: Map<string, number>,
  ): Promise<void> {
    for (const url of ahead) {
      const options = this.#connectionOptions(url, credentials);
      const trial = {
        ...options,
        clientId: `${options.clientId}-probe`,
        clean: true,
        keepSession: false,
        will: undefined,
      };
      const reached = await Connection.open(trial, this.#closing.signal).then(
        (connection) => connection.end().then(() => true),
        () => false,
      );
      const times = reached ? (well.get(url) ?? 0) + 1 : 0;
      well.set(url, times);
      if (times < 2 || live !== this.#live) continue;
      this.#parts.report.note("info", "bridge_failback", `${url} is well again: going back to it`);
      this.#servers.well(url);
      this.#servers.prefer(url);
      return this.#leave(live);
    }
  }

  /** In order: nothing new is sent, and what is on its way comes to its end if it can. */
  async #leave(live: Live): Promise<void> {
    if (live.leaving) return;
    live.leaving = true;
    const { outgoing } = this.#parts;
    outgoing.hold();
    await withPatience(outgoing.through(), LEAVING);
    await live.connection.end();
  }
}

interface Live {
  readonly url: string;
  readonly abilities: Abilities;
  readonly connection: Connection;
  /** It is ended on purpose. */
  leaving: boolean;
  failback?: NodeJS.Timeout;
  renewal?: NodeJS.Timeout;
}

/** Whether it was the far side that ended the connection, not we nor the way between. */
function endedThere(error: unknown): boolean {
  if (error === undefined) return true;
  if (error instanceof ServerRefusal) return true;
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
