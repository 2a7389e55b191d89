import type { Message } from "../../core/message.js";
import type { ConnectPacket } from "../../protocols/mqtt/index.js";

export interface Introduction {
  readonly version: 4 | 5;
  readonly clientId: string;
  /** Begins a new session and drops the one that was kept (MQTT 5: Clean Start). */
  readonly clean: boolean;
  /** Whether the upstream is to keep the session when the connection ends (MQTT 5 tells it apart from `clean`). */
  readonly keepSession: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** ms */
  readonly keepAlive: number;
  /** As the upstream gets it. */
  readonly will: Message | undefined;
}

/** How many messages of QoS 1 and 2 the upstream may send before they are acknowledged (MQTT 5). */
const RECEIVE_MAXIMUM = 100;
/** The largest packet that is read, in bytes. A command is small; what is larger would only fill the memory. */
export const LARGEST_PACKET = 16 * 1024 * 1024;
/** Seconds: for ever (MQTT 5 3.1.2.11.2). Otherwise it would end with the connection, and with it the commands that wait. */
const FOR_EVER = 0xffff_ffff;

export function connectPacket(introduction: Introduction): ConnectPacket {
  const { version, clientId, clean, keepSession, username, password, keepAlive, will } = introduction;
  return {
    kind: "connect",
    version,
    clientId,
    cleanStart: clean,
    keepAlive: Math.ceil(keepAlive / 1000),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
    ...(will === undefined ? {} : { will }),
    ...(version === 5
      ? {
          properties: {
            receiveMaximum: RECEIVE_MAXIMUM,
            maximumPacketSize: LARGEST_PACKET,
            ...(keepSession ? { sessionExpiryInterval: FOR_EVER } : {}),
          },
        }
      : {}),
  };
}
