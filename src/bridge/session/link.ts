import type { Connection } from "../connection/connection.js";
import type { Abilities } from "./abilities.js";
import { TopicAliases } from "./aliases.js";
import type { OutgoingOptions } from "./outgoing-options.js";
import type { Exchange, Parcel } from "./parcel.js";
import type { PublishContext } from "./publish.js";
import { Window } from "./window.js";

/** What is used of a connection. */
export type Line = Pick<Connection, "writer" | "flush" | "writable" | "full" | "ping" | "destroy">;

/** What belongs to one connection. */
export interface Link {
  readonly connection: Line;
  readonly abilities: Abilities;
  readonly sessionPresent: boolean;
  readonly window: Window;
  readonly context: PublishContext & { now: number };
  /** Begun on connections before this one: they go first, in their order. What was answered meanwhile is passed over. */
  readonly resend: Exchange[];
  /** QoS 0, whose bytes the system has not taken. */
  readonly unwritten: Set<Parcel>;
  /** Whether anything was acknowledged. */
  progress: boolean;
  /** It answered a ping after the suspect's last connection ended. */
  proven: boolean;
  /** The suspect was sent, and nothing else. */
  alone: boolean;
  paused: boolean;
}

export function newLink(
  connection: Line,
  abilities: Abilities,
  sessionPresent: boolean,
  resend: Exchange[],
  { window, topicAliases, idOf }: OutgoingOptions,
): Link {
  return {
    connection,
    abilities,
    sessionPresent,
    window: new Window(window, abilities.version, abilities.receiveMaximum),
    context: {
      abilities,
      aliases: new TopicAliases(Math.min(topicAliases, abilities.topicAliases)),
      idOf: abilities.version === 5 ? idOf : undefined,
      now: 0,
    },
    resend,
    unwritten: new Set(),
    progress: false,
    proven: false,
    alone: false,
    paused: false,
  };
}
