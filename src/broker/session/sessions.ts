import type { Identity } from "../access/access.js";
import type { Routes } from "../routes/routes.js";
import type { LiveSession, StoredSession, StoredSubscription, StoredWill } from "../store/store.js";
import { type ClientLink, Session, type SessionOptions, type Terms } from "./session.js";

export interface SessionsOptions extends SessionOptions {
  readonly routes: Pick<Routes, "subscribe" | "unsubscribe" | "invalidate">;
  /** Its time was over. */
  readonly expired: () => void;
  /** Publishes a will; nobody waits for it. */
  readonly publishWill: (identity: Identity, will: StoredWill) => void;
}

const SHARE = "$share/";
/** Seconds: never. */
const FOREVER = 0xffff_ffff;

/** All sessions, of connected clients and of those that are away. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  /** Without a connection. */
  readonly #away = new Set<Session>();
  #kept = 0;

  constructor(options: SessionsOptions, recovered: readonly StoredSession[]) {
    this.#options = options;
    for (const stored of recovered) this.recover(stored);
  }

  get size(): number {
    return this.#sessions.size;
  }

  get away(): number {
    return this.#away.size;
  }

  /** Those that a crash leaves, for a new generation of the store. */
  *live(): Iterable<LiveSession> {
    for (const session of this.#sessions.values()) if (session.noted) yield session.live();
  }

  /** Messages that wait in them, or are on their way. */
  get waiting(): number {
    let waiting = 0;
    for (const { outgoing } of this.#sessions.values()) waiting += outgoing.waiting + outgoing.inFlight;
    return waiting;
  }

  /** Those that outlive their connection. */
  get kept(): number {
    return this.#kept;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** The session of a client that comes in. `present`: it was there already (MQTT-3.2.2-2). An older connection of it ends. */
  open(
    identity: Identity,
    { cleanStart, ...terms }: Omit<Terms, "disconnected"> & { cleanStart: boolean },
    link: ClientLink,
  ): { session: Session; present: boolean } {
    const { clientId } = identity;
    this.#sessions.get(clientId)?.link?.close();
    let session = this.#sessions.get(clientId);
    // What waits for one user is not for another who has the same client id.
    if (session !== undefined && (cleanStart || session.identity.user !== identity.user)) {
      this.end(session);
      session = undefined;
    }
    const present = session !== undefined;
    if (session === undefined) {
      session = new Session(this.#options, identity, terms);
      this.#sessions.set(clientId, session);
      if (session.kept) this.#kept++;
    } else {
      // What it may have can depend on where it comes in.
      if (session.identity.listener !== identity.listener) this.#options.routes.invalidate();
      session.identity = identity;
      session.expiry = terms.expiry;
      session.will = terms.will;
      this.#away.delete(session);
    }
    this.#counted(session, () => session.attach(link));
    return { session, present };
  }

  /** The connection of the session is gone. Its will goes out, at once or when its delay has passed, unless it was taken away. */
  close(session: Session): void {
    const now = this.#options.now();
    this.#counted(session, () => session.detach(now));
    this.#away.add(session);
    this.#look(session, now);
  }

  subscribe(session: Session, subscription: StoredSubscription): boolean {
    const { filter, ...options } = subscription;
    session.subscribe(subscription);
    return this.#options.routes.subscribe(filter, session, options);
  }

  unsubscribe(session: Session, filter: string): boolean {
    if (!session.unsubscribe(filter)) return false;
    this.#options.routes.unsubscribe(filter, session);
    return true;
  }

  /** Ends sessions whose time is over, and publishes wills whose delay is. To be called now and then. */
  sweep(): void {
    const now = this.#options.now();
    for (const session of this.#away) this.#look(session, now);
  }

  /** It goes on elsewhere: what is stored of it stays. */
  forget(session: Session): void {
    for (const filter of session.subscriptions.keys()) this.#options.routes.unsubscribe(filter, session);
    session.outgoing.clear();
    this.#away.delete(session);
    this.#sessions.delete(session.clientId);
  }

  end(session: Session): void {
    this.#publishWill(session);
    for (const filter of session.subscriptions.keys()) this.#options.routes.unsubscribe(filter, session);
    this.#counted(session, () => session.end());
    this.#away.delete(session);
    this.#sessions.delete(session.clientId);
  }

  /** What may make a session one that does not outlive its connection. */
  #counted(session: Session, change: () => void): void {
    const before = session.kept;
    change();
    if (before && !session.kept) this.#kept--;
  }

  #look(session: Session, now: number): void {
    const { expiry, will } = session;
    // The clock may have been set back since the session was stored.
    const away = Math.max(0, now - (session.disconnected ?? now)) / 1000;
    if (expiry !== FOREVER && away >= expiry) {
      if (expiry > 0) this.#options.expired();
      this.end(session);
      return;
    }
    if (will !== undefined && away >= will.delay) {
      this.#publishWill(session);
      session.save();
    }
  }

  #publishWill(session: Session): void {
    const { will, identity } = session;
    session.will = undefined;
    if (will !== undefined) this.#options.publishWill(identity, will);
  }

  /** A stored session, without a connection. */
  recover(stored: StoredSession): void {
    const { clientId, user, listener, expiry, will } = stored;
    const disconnected = stored.disconnected ?? this.#options.now();
    const session = new Session(this.#options, { clientId, user, listener }, { expiry, will, disconnected }, stored);
    this.#sessions.set(clientId, session);
    if (session.kept) this.#kept++;
    this.#away.add(session);
    for (const { filter, ...options } of stored.subscriptions) {
      session.subscriptions.set(filter, { filter, ...options });
      this.#options.routes.subscribe(filter, session, options);
    }
  }
}

/** The filter of a shared subscription, or the filter itself. */
export function plainFilter(filter: string): string {
  return filter.startsWith(SHARE) ? filter.slice(filter.indexOf("/", SHARE.length) + 1) : filter;
}
