import type { PubSubMessage, PubSubSession, PubSubSubscription, Receiver } from "../../../src/core/pubsub.js";
import type { CoapResponse, Observer } from "../../../src/protocols/coap/index.js";
import type { PubSubSettings } from "./config.js";
import { notSubscribed, Refused } from "./refused.js";
import { Transfer } from "./transfer.js";

export interface SubscriptionOptions {
  readonly session: PubSubSession;
  readonly notify: PubSubSettings["notify"];
  /** The client lets hear of itself. */
  readonly heard: () => void;
  /** Nobody observes it any more. */
  readonly ended: () => void;
}

/**
 * What one client observes under one filter. Each message is a notification of its own, and the next one goes when it is known what
 * became of the last: a newer one would take its place (RFC 7641 4.5.2).
 */
export class Subscription implements Receiver {
  readonly #options: SubscriptionOptions;
  #observer: Observer | undefined;
  #transfer: Transfer | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  get observer(): Observer | undefined {
    return this.#observer;
  }

  /** The rest of a message of which a block was sent, as long as it may be fetched. */
  get transfer(): Transfer | undefined {
    return this.#transfer?.ended === false ? this.#transfer : undefined;
  }

  /**
   * An observer takes the place of the one before it: its client came again, maybe from another address. What is on its way to the
   * old one goes to the new one. Returns what is to be called when the observation has ended.
   */
  observe(observer: Observer, wanted: PubSubSubscription): () => void {
    const before = this.#observer;
    this.#observer = observer;
    before?.end();
    this.#transfer?.end();
    const refused = this.#options.session.subscribe(wanted, this);
    // The filter was looked at before: where it is none now, the session is over.
    const last =
      refused === "invalid" ? new Refused("4.01", "its connection has ended") : refused && notSubscribed(refused);
    if (last !== undefined) this.finish(last.response);
    return () => {
      if (this.#observer !== observer) return;
      this.#observer = undefined;
      this.#transfer?.end();
      // A new registration of the same client ends the old one first: it is not to miss what comes between them.
      setImmediate(() => {
        if (this.#observer === undefined) this.#options.ended();
      });
    };
  }

  async deliver(message: PubSubMessage): Promise<boolean> {
    const { notify, heard } = this.#options;
    const { payload, qos } = message;
    const confirmable = notify === "qos" ? qos > 0 : notify === "con";
    for (;;) {
      const observer = this.#observer;
      if (observer === undefined) return false;
      const transfer = new Transfer(payload);
      this.#transfer = transfer;
      const outcome = await observer.notify({ code: "2.05", payload }, { confirmable });
      if (outcome === "acknowledged") heard();
      if (outcome !== "ended") {
        await transfer.rest(observer.partial);
        return true;
      }
      if (this.#observer === observer || this.#observer === undefined) return false;
    }
  }

  revoked(): void {
    this.finish({ code: "4.03", payload: "this client may not subscribe to that any more" });
  }

  /** Ends it, with a last word to the observer if there is one (RFC 7641 4.2). */
  finish(last?: CoapResponse): void {
    const observer = this.#observer;
    this.#observer = undefined;
    this.#transfer?.end();
    if (last === undefined) observer?.end();
    else void observer?.notify(last, { confirmable: false });
    this.#options.ended();
  }
}
