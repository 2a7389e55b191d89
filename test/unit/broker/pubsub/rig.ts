import type { TestContext } from "node:test";
import type { Access, Identity, Verdict } from "../../../../src/broker/access/access.js";
import { everyone } from "../../../../src/broker/access/everyone.js";
import type { PubSubClient, PubSubCredentials, PubSubMessage, Receiver } from "../../../../src/core/pubsub.js";
import { startBroker, type TestBroker } from "../../../support/broker.js";

export { startBroker } from "../../../support/broker.js";

/** As a link says it; `over` says otherwise. */
export function credentials(clientId: string, over: Partial<PubSubCredentials> = {}): PubSubCredentials {
  const nothing = { username: undefined, password: undefined, proven: undefined };
  return { clientId, ...nothing, link: "coap:udp://127.0.0.1:5683", address: "127.0.0.1", ...over };
}

export async function admitted(
  { pubsub }: Pick<TestBroker, "pubsub">,
  clientId: string,
  over: Partial<PubSubCredentials> = {},
): Promise<PubSubClient> {
  const client = await pubsub.admit(credentials(clientId, over));
  if (typeof client === "string") throw new Error(`${clientId} was not let in: ${client}`);
  return client;
}

export function connected(client: PubSubClient, ended: (why: string) => void = () => {}) {
  return client.connect(ended).then((session) => {
    if (typeof session === "string") throw new Error(`${client.clientId} has no session: ${session}`);
    return session;
  });
}

export interface Heard extends Receiver {
  readonly messages: PubSubMessage[];
  readonly texts: readonly string[];
  revocations: number;
  /** The messages that come from now on wait until they are let go. */
  hold(): void;
  /** One that is held has arrived, or not. */
  release(arrived?: boolean): void;
}

/** Takes what comes. */
export function receiver(): Heard {
  const messages: PubSubMessage[] = [];
  const held: ((arrived: boolean) => void)[] = [];
  let holding = false;
  const heard: Heard = {
    messages,
    get texts() {
      return messages.map(({ payload }) => Buffer.from(payload).toString());
    },
    revocations: 0,
    deliver(message) {
      messages.push(message);
      return holding ? new Promise((resolve) => held.push(resolve)) : Promise.resolve(true);
    },
    revoked() {
      heard.revocations++;
    },
    hold() {
      holding = true;
    },
    release(arrived = true) {
      held.shift()?.(arrived);
    },
  };
  return heard;
}

/** Lets in whom the test says, with what the test says; `change` tells that both changed. */
export interface ChangingAccess extends Access {
  verdict: (user: string | undefined) => (Verdict & { readonly ok: false }) | undefined;
  allows: (identity: Identity, action: string, topic: string) => boolean;
  change(revoked?: (identity: Identity) => boolean): void;
}

export function changingAccess(): ChangingAccess {
  const listeningTo: ((revoked: (identity: Identity) => boolean) => void)[] = [];
  const access: ChangingAccess = {
    ...everyone,
    verdict: () => undefined,
    allows: () => true,
    authenticate: (credentials) => access.verdict(credentials.username) ?? everyone.authenticate(credentials),
    may: (identity, action, topic) => access.allows(identity, action, topic),
    onChange: (changed) => void listeningTo.push(changed),
    change: (revoked = () => false) => {
      for (const changed of listeningTo) changed(revoked);
    },
  };
  return access;
}

export async function startWith(t: TestContext, options: Parameters<typeof startBroker>[1] = {}) {
  const access = changingAccess();
  return { access, broker: await startBroker(t, { access, ...options }) };
}
