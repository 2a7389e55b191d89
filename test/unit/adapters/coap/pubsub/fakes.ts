import type {
  PubSubClient,
  PubSubSession,
  PubSubSubscription,
  Receiver,
  SessionEnd,
} from "../../../../../src/core/pubsub.js";
import type { CoapResponse, NotifyOutcome, Observer } from "../../../../../src/protocols/coap/index.js";

export interface FakeSession extends PubSubSession {
  readonly subscriptions: Map<string, { readonly wanted: PubSubSubscription; readonly receiver: Receiver }>;
  readonly over: boolean;
  refuses: "forbidden" | "invalid" | "too_many" | undefined;
  end(why: SessionEnd): void;
}

/** A client of a broker that does nothing but note what it is asked. */
export function fakeClient(clientId: string, sessions: FakeSession[] = []): PubSubClient {
  const client: PubSubClient = {
    clientId,
    user: undefined,
    publish: async () => "published",
    retained: () => undefined,
    refusal: () => undefined,
    connect: async (ended) => {
      const session = fakeSession(client, ended);
      sessions.push(session);
      return session;
    },
  };
  return client;
}

function fakeSession(client: PubSubClient, ended: (why: SessionEnd) => void): FakeSession {
  const subscriptions: FakeSession["subscriptions"] = new Map();
  let over = false;
  const session: FakeSession = {
    client,
    subscriptions,
    get over() {
      return over;
    },
    refuses: undefined,
    subscribe(wanted, receiver) {
      if (session.refuses === undefined) subscriptions.set(wanted.filter, { wanted, receiver });
      return session.refuses;
    },
    unsubscribe: (filter) => subscriptions.delete(filter),
    disconnect() {
      over = true;
    },
    end(why) {
      over = true;
      ended(why);
    },
  };
  return session;
}

export interface FakeObserver extends Observer {
  readonly sent: { readonly code: string; readonly text: string; readonly confirmable: boolean | undefined }[];
  /** What is on its way, in order: to be settled by the test. */
  settle(outcome: NotifyOutcome): void;
  ended: boolean;
  partial: boolean;
}

/** Whoever observes; `onEnd` is called once it has ended, as the layer does. */
export function fakeObserver(
  id: string,
  onEnd: () => void = () => {},
  identity?: Observer["peer"]["identity"],
): FakeObserver {
  const flying: ((outcome: NotifyOutcome) => void)[] = [];
  const observer: FakeObserver = {
    peer: { id, address: "192.0.2.1", port: 40_000, ...(identity === undefined ? {} : { identity }) },
    sent: [],
    ended: false,
    partial: false,
    notify({ code, payload }: CoapResponse, { confirmable } = {}) {
      observer.sent.push({ code, text: Buffer.from(payload ?? "").toString(), confirmable });
      return new Promise((resolve) => flying.push(resolve));
    },
    settle: (outcome) => flying.shift()?.(outcome),
    end() {
      if (observer.ended) return;
      observer.ended = true;
      for (const settle of flying.splice(0)) settle("ended");
      onEnd();
    },
  };
  return observer;
}

/** Lets all that is due happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
