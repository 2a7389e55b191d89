export interface HeartbeatOptions {
  /** ms: the longest silence before a ping. */
  readonly keepAlive: number;
  /** ms: how long something may be left unanswered. */
  readonly timeout: number;
  readonly ping: () => void;
  /** Names what has waited for an acknowledgement the longest; undefined where nothing does. */
  readonly owed: () => string | undefined;
  /** The far side is given up; the text says why. */
  readonly dead: (what: string) => void;
}

/**
 * Finds connections that are open and dead: a frozen server, a NAT that forgot us, a cable that is out. TCP tells of these
 * after a quarter of an hour; meanwhile a queue would fill for nothing.
 *
 * It looks now and then, and its clock counts those looks: while the process itself was starved or the machine asleep, nobody read
 * what the server answered, so that this time does not count against it.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #keepAlive: number;
  #often: number;
  #timer: NodeJS.Timeout | undefined;
  #clock = 0;
  #looked = 0;
  /** Since the last look. */
  #fresh = { heard: false, sent: false };
  #heard = 0;
  #sent = 0;
  /** When the ping went out that is not answered yet. */
  #pinged: number | undefined;
  /** What is owed, and since when that has been the same: others that are answered do not make up for it. */
  #owed: { readonly what: string; readonly since: number } | undefined;
  #held = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#keepAlive = options.keepAlive;
    this.#often = oftenFor(options.timeout, options.keepAlive);
  }

  /** `serverKeepAlive` in seconds, as CONNACK has it (MQTT-3.2.2-21): the server's word counts. `now` in ms from any fixed start. */
  start(serverKeepAlive: number | undefined, now: number): void {
    if (serverKeepAlive !== undefined && serverKeepAlive > 0) this.#keepAlive = serverKeepAlive * 1000;
    this.#often = oftenFor(this.#options.timeout, this.#keepAlive);
    this.#looked = now;
    this.#timer = setInterval(() => this.look(performance.now()), this.#often);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Bytes came, of whatever: a large packet on a slow line is no silence. */
  heard(): void {
    this.#fresh.heard = true;
  }

  sent(): void {
    this.#fresh.sent = true;
  }

  /** While nothing is read on purpose, silence says nothing. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** What the timer does. */
  look(now: number): void {
    const { timeout, ping, dead } = this.#options;
    const clock = this.#tick(now);
    const owed = this.#owed === undefined ? 0 : clock - this.#owed.since;
    if (this.#pinged !== undefined && clock - this.#pinged >= timeout) {
      dead(`no answer for ${seconds(clock - this.#heard)}: the connection is dead or the server frozen`);
      return;
    }
    // It answers pings and nothing else: a new connection may bring it round, and everything is sent again then.
    if (this.#owed !== undefined && owed >= 3 * timeout) {
      dead(`no acknowledgement for ${seconds(owed)}, though it answers pings`);
      return;
    }
    if (this.#pinged !== undefined || this.#held) return;
    // Half of it, so that the ping and its way fit into the rest. Sooner where an answer is owed and all is silent.
    const silent = this.#owed !== undefined && Math.min(owed, clock - this.#heard) >= timeout / 2;
    if (!silent && clock - Math.min(this.#heard, this.#sent) < this.#keepAlive / 2) return;
    this.#pinged = clock;
    ping();
  }

  #tick(now: number): number {
    this.#clock += Math.min(now - this.#looked, 2 * this.#often);
    this.#looked = now;
    const what = this.#options.owed();
    if (what === undefined) this.#owed = undefined;
    else if (this.#held || this.#owed?.what !== what) this.#owed = { what, since: this.#clock };
    if (this.#fresh.heard || this.#held) {
      this.#heard = this.#clock;
      this.#pinged = undefined;
    }
    if (this.#fresh.sent) this.#sent = this.#clock;
    this.#fresh = { heard: false, sent: false };
    return this.#clock;
  }
}

/** ms between two looks. */
function oftenFor(timeout: number, keepAlive: number): number {
  return Math.max(50, Math.min(1000, timeout / 4, keepAlive / 4));
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
