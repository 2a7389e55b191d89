import type { LookupFunction } from "node:net";
import type { Message } from "../../core/message.js";
import type { CredentialOptions } from "../connection/credentials.js";
import type { BridgeReport } from "../report.js";
import type { IncomingMessages } from "../session/incoming.js";
import type { Outgoing } from "../session/outgoing.js";
import type { SessionStore } from "../session/session.js";
import type { Subscription } from "./subscribe.js";

export interface UpstreamOptions extends CredentialOptions {
  /** mqtt://, mqtts://, ws:// or wss://; the preferred one first. */
  readonly servers: readonly string[];
  /** `first`: goes back to a server further ahead once it is well. */
  readonly preferred: "first" | "none";
  /** How often those are looked at, in ms. */
  readonly failback: number;
  readonly clientId: string;
  readonly protocol: 4 | 5;
  readonly username?: string | undefined;
  /** ms */
  readonly keepAlive: number;
  /** ms: for an answer. */
  readonly timeout: number;
  readonly clean: boolean;
  /** How long to leave a server alone after so many failures in a row, in ms. */
  readonly pause: (failures: number) => number;
  readonly lookup?: LookupFunction | undefined;
}

export interface UpstreamParts {
  readonly store: SessionStore;
  readonly outgoing: Outgoing;
  readonly incoming: IncomingMessages;
  readonly report: BridgeReport;
  readonly will: Message | undefined;
  /** Where a probe of QoS 2 may publish; undefined where nothing is to be probed. */
  readonly probeTopic: string | undefined;
  readonly subscriptions: readonly Subscription[];
  /** Whether messages go in batches. */
  readonly batched: boolean;
  /** What is said on every connection, before all else. */
  readonly announcements: () => readonly Message[];
  /** Messages that wait, for the log. */
  readonly waiting: () => number;
  /** A connection is there. */
  readonly onUp: () => void;
}
