import type { PubSubClient, PubSubRefusal, PubSubSession, SessionEnd } from "../../../src/core/pubsub.js";
import type { CoapResponse } from "../../../src/protocols/coap/index.js";
import type { PubSubSettings } from "./config.js";
import { RETRY_AFTER, Refused } from "./refused.js";
import { Subscription } from "./subscription.js";

export interface PartyOptions {
  readonly notify: PubSubSettings["notify"];
  /** ms that only go forward. */
  readonly ticks: () => number;
  /** Its session is over. */
  readonly ended: (party: Party) => void;
}

/** A client with a session at the broker, and what it observes. */
export class Party {
  readonly session: PubSubSession;
  readonly #options: PartyOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  #heard: number;
  #over = false;

  private constructor(session: PubSubSession, options: PartyOptions) {
    this.session = session;
    this.#options = options;
    this.#heard = options.ticks();
  }

  static async connect(client: PubSubClient, options: PartyOptions): Promise<Party | PubSubRefusal> {
    let early: SessionEnd | undefined;
    let party: Party | undefined;
    const session = await client.connect((why) => {
      early = why;
      party?.end(lastWord(why));
    });
    if (typeof session === "string") return session;
    party = new Party(session, options);
    // It may have been taken over before this was told that it is there.
    if (early !== undefined) party.end(lastWord(early));
    return party;
  }

  get client(): PubSubClient {
    return this.session.client;
  }

  /** When it let hear of itself last, by `ticks`. */
  get heard(): number {
    return this.#heard;
  }

  get observes(): boolean {
    return this.#subscriptions.size > 0;
  }

  get over(): boolean {
    return this.#over;
  }

  touch(): void {
    this.#heard = this.#options.ticks();
  }

  subscription(filter: string): Subscription {
    const known = this.#subscriptions.get(filter);
    if (known !== undefined) return known;
    const subscription: Subscription = new Subscription({
      session: this.session,
      notify: this.#options.notify,
      heard: () => this.touch(),
      ended: () => {
        if (this.#subscriptions.get(filter) !== subscription) return;
        this.#subscriptions.delete(filter);
        this.session.unsubscribe(filter);
      },
    });
    this.#subscriptions.set(filter, subscription);
    return subscription;
  }

  unsubscribe(filter: string): void {
    this.#subscriptions.get(filter)?.finish();
  }

  /** Its session ends, and with it all that it observes. */
  end(last?: CoapResponse): void {
    if (this.#over) return;
    this.#over = true;
    for (const subscription of [...this.#subscriptions.values()]) subscription.finish(last);
    this.session.disconnect();
    this.#options.ended(this);
  }
}

function lastWord(why: SessionEnd): CoapResponse {
  switch (why) {
    case "taken_over":
      return new Refused("4.01", "its client id has come by another connection").response;
    case "revoked":
      return new Refused("4.01", "this client is not let in any more").response;
    case "stopping":
      return new Refused("5.03", "the gateway is stopping", { maxAge: RETRY_AFTER }).response;
  }
}
