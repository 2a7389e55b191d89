import type { Parcel } from "../../../../src/bridge/session/parcel.js";
import type { Lane } from "../../../../src/bridge/session/session.js";
import type { Message, Qos } from "../../../../src/core/message.js";
import type { Entry } from "../../../../src/outbox/outbox.js";

export function messageOf(payload: string, qos: Qos = 1, topic = "a"): Message {
  return { topic, payload: Buffer.from(payload), qos, retain: false };
}

export function entryOf(sequence: number, message = messageOf(`${sequence}`)): Entry {
  return { sequence, message, appended: 0, expires: undefined };
}

export function parcelOf(sequence: number, qos: Qos = 1, lane: Lane = 0): Parcel {
  const entry = entryOf(sequence, messageOf(`${sequence}`, qos));
  return { lane, entries: [entry], first: sequence, last: sequence, message: entry.message, expires: undefined };
}
