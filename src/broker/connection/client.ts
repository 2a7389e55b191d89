import type { Packet, ProtocolVersion } from "../../protocols/mqtt/index.js";
import type { Peer } from "../listeners/peer.js";
import type { ClientLink, Session } from "../session/session.js";
import type { Waiter } from "./pressure.js";
import type { ConnectionTerms } from "./terms.js";

/** Why nothing is read for a while; each is a bit. */
export const PAUSED = { letIn: 1, admission: 2, pressure: 4, rate: 8, output: 16, answers: 32 } as const;

/** How a connection ended, for the log. */
export type End =
  /** DISCONNECT with reason code 0: the will is taken away (MQTT-3.14.4-3). */
  "disconnected" | "closed" | "error" | "timeout" | "taken_over" | "refused" | "slow" | "stopping" | "revoked";

/** The connection of one client, as those see it who handle its packets. */
export interface Client extends ClientLink, Waiter {
  readonly peer: Peer;
  readonly version: ProtocolVersion;
  /** Whether it has ended. */
  readonly gone: boolean;
  write(packet: Packet): void;
  ack(kind: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode?: number): void;
  pause(why: number): void;
  resume(why: number): void;
  end(how: End, detail?: string): void;
  /** The client broke the protocol, or what it asks for cannot be done. */
  fail(error: unknown): void;
  /** Refuses the CONNECT. */
  refuse(version: ProtocolVersion, reasonCode: number): void;
  /** Lets the client in: it has a session from now on. CONNACK is to be written next, then `begin` called. */
  letIn(session: Session, terms: ConnectionTerms): void;
  /** What waited for CONNACK goes on, both ways. */
  begin(): void;
}
