import type { ConnectPacket, ProtocolVersion } from "../../protocols/mqtt/index.js";
import type { Limits } from "../limits.js";

/** What a client and the broker agreed on in CONNECT and CONNACK. */
export interface ConnectionTerms {
  readonly version: ProtocolVersion;
  /** ms without a packet after which the client is gone; 0: never (MQTT-3.1.2-24). */
  readonly silence: number;
  /** Seconds; told to the client where it is not what it asked for. */
  readonly keepAlive: number;
  /** QoS 1 and 2 messages on their way to it. */
  readonly window: number;
  /** Bytes of a whole packet that it takes; undefined: any. */
  readonly maxPacketBytes: number | undefined;
  /** Topic aliases that may be set towards it. */
  readonly aliases: number;
  /** Seconds that its session outlives the connection. */
  readonly expiry: number;
  /** Whether it wants to be told reasons (MQTT 5 3.1.2.11.7). */
  readonly reasons: boolean;
}

/** The standard's grace: one and a half times the keep alive. */
const GRACE = 1.5;
const MAX_WINDOW = 65_535;

export function termsOf(
  { version, keepAlive, cleanStart, properties }: ConnectPacket,
  limits: Limits,
): ConnectionTerms {
  const most = Math.floor((limits.keepAlive ?? 0) / 1000);
  // Only MQTT 5 can tell a client another one: an older one keeps to its own, and the standard's grace is for that.
  const granted = version === 5 && most > 0 && (keepAlive === 0 || keepAlive > most) ? most : keepAlive;
  const asked = version === 5 ? (properties?.sessionExpiryInterval ?? 0) : cleanStart ? 0 : 0xffff_ffff;
  return {
    version,
    silence: granted * GRACE * 1000,
    keepAlive: granted,
    window: Math.min(limits.inFlight, properties?.receiveMaximum ?? MAX_WINDOW),
    maxPacketBytes: properties?.maximumPacketSize,
    aliases: Math.min(limits.topicAliases, properties?.topicAliasMaximum ?? 0),
    expiry: mostExpiry(limits, asked),
    reasons: properties?.requestProblemInformation ?? true,
  };
}

/** Seconds: as asked, as far as that is granted. */
export function mostExpiry({ sessionExpiry }: Limits, asked: number): number {
  return sessionExpiry === undefined ? asked : Math.min(asked, Math.ceil(sessionExpiry / 1000));
}
