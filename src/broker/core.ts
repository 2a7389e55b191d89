import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import type { Access, Identity } from "./access/access.js";
import type { Flusher } from "./connection/output.js";
import type { Pressure } from "./connection/pressure.js";
import type { Limits } from "./limits.js";
import type { ClientPolicy } from "./policy.js";
import type { Publication } from "./publication.js";
import type { Retained } from "./retained.js";
import type { Rewrite } from "./rewrite.js";
import type { Sessions } from "./session/sessions.js";
import type { Stats } from "./stats.js";
import type { Store } from "./store/store.js";

/** What every connection needs of the broker. */
export interface Core {
  readonly limits: Limits;
  readonly access: Access;
  readonly sessions: Sessions;
  readonly retained: Retained;
  readonly store: Store;
  readonly flusher: Flusher;
  readonly pressure: Pressure;
  readonly stats: Stats;
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  readonly wall: () => number;
  /** The same, steady: not set while the process runs. */
  readonly now: () => number;
  /** Called for every PUBLISH of a client before it is routed and acknowledged. Undefined: it may be. */
  readonly admit: (message: Message, clientId: string) => Promise<unknown> | undefined;
  /** Routes it. Whether anybody subscribed to it. */
  readonly publish: (publication: Publication) => boolean;
  /** Has the session of a client that comes in be here. Undefined: it is, or there is none. Rejects where it cannot be had. */
  readonly fetch: (identity: Identity) => Promise<void> | undefined;
  /** What topics that clients publish to, and filters that they subscribe to, become. */
  readonly rewrite: { readonly topic: Rewrite; readonly filter: Rewrite };
  readonly policyOf: (identity: Identity) => ClientPolicy | undefined;
}
