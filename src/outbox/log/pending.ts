import type { WeirError } from "../../core/errors.js";
import type { Message } from "../../core/message.js";
import type { Terms } from "../outbox.js";
import { expiresAt, UNDATED } from "../stale.js";
import type { Item } from "./log.js";
import type { DurableOutboxOptions } from "./options.js";
import { sizeOf } from "./record.js";

/** A message on its way into the log, what its rule asks for, and who waits for that. */
export interface Pending extends Item {
  readonly whenFull: "drop-oldest" | "drop-newest" | "refuse";
  readonly durability: "commit" | "interval" | "none";
  readonly rule: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: WeirError) => void;
  /** It was told that all is well, since it asked for no more. */
  answered: boolean;
}

/** Throws a RangeError for a message that no MQTT packet could hold. */
export function pendingOf(
  message: Message,
  terms: Terms,
  options: DurableOutboxOptions,
  waiting: Pick<Pending, "resolve" | "reject">,
): Pending {
  const { whenFull = options.whenFull, durability = options.durability, rule, expiry } = terms;
  const appended = options.now() ?? UNDATED;
  return {
    message,
    size: sizeOf(message),
    appended,
    expires: expiresAt(appended, expiry),
    whenFull,
    durability,
    rule,
    waits: durability === "commit" && message.qos > 0,
    answered: false,
    ...waiting,
  };
}
