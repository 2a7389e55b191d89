export type Qos = 0 | 1 | 2;

/** What the broker routes. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
}

/** Where a message entered the gateway. What came down a bridge never goes back up it: that is the loop prevention. */
export type Origin =
  | { readonly from: "device"; readonly device: string }
  | { readonly from: "client"; readonly client: string }
  | { readonly from: "bridge"; readonly bridge: string }
  | { readonly from: "gateway" };

/**
 * The one way a message enters: into the outbox of every bridge that has a rule for it, then into the broker.
 * Resolves when it may be acknowledged to the sender; rejects with a WeirError when it was refused.
 */
export type Accept = (message: Message, origin: Origin) => Promise<void>;
