import type { Message } from "../core/message.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Stamp } from "./session/feed.js";
import type { Lane } from "./session/session.js";

/** The field of JSON payloads that holds a message's id. */
const ID_FIELD = "weirId";

/** The same message has the same id however often it is sent, and no other has it: gateway, the outbox's epoch, its sequence there. */
export function messageIds(
  gateway: string,
  outboxes: readonly (Outbox | undefined)[],
): (lane: Lane, sequence: number) => string {
  return (lane, sequence) => `${gateway}:${outboxes[lane]?.epoch ?? ""}:${sequence}`;
}

export const unstamped: Stamp = (message) => message;

/** Puts the id in front of the fields of a payload that is a JSON object. Others stay as they are: there is no place for it. */
export function fieldStamp(idOf: (lane: Lane, sequence: number) => string): Stamp {
  return (message, lane, sequence) => {
    const text = jsonObject(message);
    if (text === undefined) return message;
    const rest = text.slice(1).trimStart();
    const field = `{${JSON.stringify(ID_FIELD)}:${JSON.stringify(idOf(lane, sequence))}`;
    return { ...message, payload: Buffer.from(rest.startsWith("}") ? `${field}}` : `${field},${rest}`) };
  };
}

/** The payload's text where it is a JSON object without such a field. */
function jsonObject({ payload }: Message): string | undefined {
  if (payload[0] !== 0x7b) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Object.hasOwn(value, ID_FIELD) ? text : undefined;
  } catch {
    return undefined;
  }
}
