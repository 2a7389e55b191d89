export interface HeartbeatOptions {
  /** ms: the longest silence before a ping. */
  readonly keepAlive: number;
  /** ms: how long something may be left unanswered. */
  readonly timeout: number;
  readonly ping: () => void;
  /** The far side is given up; the text says why. */
  readonly dead: (what: string) => void;
}

/**
 * Finds connections that are open and dead: a frozen server, a NAT that forgot us, a cable that is out. TCP tells of these
 * after a quarter of an hour; meanwhile a queue would fill for nothing.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #keepAlive: number;
  #timer: NodeJS.Timeout | undefined;
  #heard = 0;
  #sent = 0;
  /** When the ping went out that is not answered yet. */
  #pinged: number | undefined;
  /** Since when acknowledgements are owed; each one that comes moves it. */
  #owed: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#keepAlive = options.keepAlive;
  }

  /** `serverKeepAlive` in seconds, as CONNACK has it (MQTT-3.2.2-21): the server's word counts. */
  start(serverKeepAlive: number | undefined): void {
    if (serverKeepAlive !== undefined && serverKeepAlive > 0) this.#keepAlive = serverKeepAlive * 1000;
    this.#heard = this.#sent = performance.now();
    const often = Math.max(50, Math.min(1000, this.#options.timeout / 4, this.#keepAlive / 4));
    this.#timer = setInterval(() => this.#look(performance.now()), often);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  heard(): void {
    this.#heard = performance.now();
    this.#pinged = undefined;
  }

  sent(): void {
    this.#sent = performance.now();
  }

  /** Whether acknowledgements are outstanding; each one that comes is progress. */
  awaiting(outstanding: boolean, progress: boolean): void {
    if (!outstanding) this.#owed = undefined;
    else if (progress || this.#owed === undefined) this.#owed = performance.now();
  }

  #look(now: number): void {
    const { timeout, ping, dead } = this.#options;
    if (this.#pinged !== undefined && now - this.#pinged >= timeout) {
      dead(`no answer for ${seconds(now - this.#heard)}: the connection is dead or the server frozen`);
      return;
    }
    // It answers pings and nothing else: a new connection may bring it round, and everything is sent again then.
    if (this.#owed !== undefined && now - this.#owed >= 3 * timeout) {
      dead(`no acknowledgement for ${seconds(now - this.#owed)}, though it answers pings`);
      return;
    }
    if (this.#pinged !== undefined) return;
    // Half of it, so that the ping and its way fit into the rest. Sooner where an answer is owed and all is silent.
    const silent = this.#owed !== undefined && now - Math.max(this.#heard, this.#owed) >= timeout / 2;
    if (!silent && now - Math.min(this.#heard, this.#sent) < this.#keepAlive / 2) return;
    this.#pinged = now;
    ping();
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
