import type { Identity } from "../../../../src/broker/access/access.js";
import type { Limits } from "../../../../src/broker/limits.js";
import type { Grant } from "../../../../src/broker/routes/subscriber.js";
import type { ClientLink } from "../../../../src/broker/session/session.js";
import { Sessions } from "../../../../src/broker/session/sessions.js";
import type { Store, StoredSession, StoredWill } from "../../../../src/broker/store/store.js";
import { usualLimits } from "../../../support/broker.js";
import { fakeLink } from "./model.js";

/** A store that says what it is told, and keeps nothing. */
export function fakeStore(): Store & { readonly said: string[] } {
  const said: string[] = [];
  const say =
    (what: string) =>
    (clientId: string, detail?: unknown): void => {
      const short = typeof detail === "object" ? "" : ` ${detail}`;
      said.push(`${what} ${clientId}${detail === undefined ? "" : short}`);
    };
  return {
    said,
    takeRecovered: () => ({ sessions: [], retained: [] }),
    putSession: say("putSession"),
    dropSession: say("dropSession"),
    putSubscription: say("putSubscription"),
    dropSubscription: say("dropSubscription"),
    enqueue: say("enqueue"),
    released: say("released"),
    settled: say("settled"),
    received: say("received"),
    completed: say("completed"),
    retain: ({ topic, payload }) => void said.push(`retain ${topic} ${payload.length}`),
    stored: (done) => done(),
    close: async () => {},
  };
}

export function clientLink(
  onClose: () => void = () => {},
): ClientLink & ReturnType<typeof fakeLink> & { closed: string[] } {
  const closed: string[] = [];
  return Object.assign(fakeLink(), {
    closed,
    press: () => {},
    close: () => {
      closed.push("taken_over");
      onClose();
    },
  });
}

export const GRANT: Grant = { qos: 2, retainAsPublished: false, identifiers: undefined };

export function willOf(topic: string, delay = 0): StoredWill {
  return { publication: { topic, payload: Buffer.from("w"), qos: 1, retain: false }, delay };
}

export function identityOf(clientId: string, rest: Partial<Identity> = {}): Identity {
  return { clientId, user: undefined, listener: "tcp://l", ...rest };
}

export function openSessions(limits: Partial<Limits> = {}, recovered: readonly StoredSession[] = []) {
  const wills: string[] = [];
  const routed: string[] = [];
  const dropped: string[] = [];
  const store = fakeStore();
  const clock = { now: 0 };
  const sessions = new Sessions(
    {
      store,
      limits: { ...usualLimits, ...limits },
      budget: { used: 0, limit: 1_000_000 },
      now: () => clock.now,
      mayReceive: () => true,
      lifts: () => false,
      expired: () => {},
      dropped: (clientId, reason) => dropped.push(`${clientId} ${reason}`),
      routes: {
        subscribe: (filter) => routed.push(`+${filter}`) > 0,
        unsubscribe: (filter) => routed.push(`-${filter}`) > 0,
        invalidate: () => void routed.push("invalidate"),
      },
      publishWill: ({ clientId }, { publication }) => void wills.push(`${clientId} ${publication.topic}`),
    },
    recovered,
  );
  /** A client comes in; its link closes its session as a connection does. */
  const connect = (
    clientId: string,
    {
      cleanStart = false,
      expiry = 0,
      will = undefined as StoredWill | undefined,
      identity = identityOf(clientId),
    } = {},
  ) => {
    const link = clientLink(() => {
      if (session.link === link) sessions.close(session);
    });
    const { session, present } = sessions.open(identity, { cleanStart, expiry, will }, link);
    return { session, present, link };
  };
  return { sessions, wills, routed, dropped, store, clock, connect };
}
