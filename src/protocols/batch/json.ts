/**
 * A batch as JSON that anybody reads: an array, one object a message, in order.
 *
 * topic     the topic
 * payload   the payload as a JSON value, where JSON.stringify writes it in exactly the bytes that the message has; or else
 * text      the payload as a text, where it is UTF-8; or else
 * base64    the payload in base64 (RFC 4648 4, padded)
 * qos       1 or 2. 0 if left out
 * retain    true. false if left out
 * id        in the first object: the id of the batch
 */
import { isUtf8 } from "node:buffer";
import { type Batch, BatchError, type BatchMessage, Budget } from "./batch.js";

export function encodeJson(messages: readonly BatchMessage[], id: string | undefined): Uint8Array {
  const objects = messages.map(({ topic, payload, qos, retain }, index) => {
    const first = index === 0 && id !== undefined ? `"id":${JSON.stringify(id)},` : "";
    const flags = `${qos === 0 ? "" : `,"qos":${qos}`}${retain ? ',"retain":true' : ""}`;
    return `{${first}"topic":${JSON.stringify(topic)},${payloadField(payload)}${flags}}`;
  });
  return Buffer.from(`[${objects.join(",")}]`);
}

function payloadField(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (!isUtf8(bytes)) return `"base64":"${bytes.toString("base64")}"`;
  const text = bytes.toString();
  return isOwnJson(text, bytes) ? `"payload":${text}` : `"text":${JSON.stringify(text)}`;
}

/** Whether it is JSON as JSON.stringify writes it, so that the same bytes come back. */
function isOwnJson(text: string, bytes: Uint8Array): boolean {
  // Spares most texts, `online` for one, an exception.
  if (!/^[[{"\-0-9tfn]/.test(text) || nestedDeeper(bytes, MAX_DEPTH)) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

/** Of a payload: arrays and objects inside one another. */
const MAX_DEPTH = 64;
/** The array of the batch, and the object of the message. */
const OUTER_DEPTH = 2;

/**
 * JSON.parse takes 70 bytes for each bracket that it holds open, and JSON.stringify recurses: so it is looked at before. Of what
 * is no JSON this may say anything.
 */
function nestedDeeper(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case 0x22: // "
        quoted = !quoted;
        break;
      case 0x5c: // the backslash, which outside of strings JSON does not have
        at += 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (!quoted) depth += 1;
        if (depth > max) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (!quoted) depth -= 1;
        break;
    }
  }
  return false;
}

/** Throws BatchError. */
export function decodeJson(bytes: Uint8Array, maxBytes: number): Batch {
  const objects = parse(bytes);
  if (!Array.isArray(objects)) throw new BatchError("a batch is an array of objects");
  const budget = new Budget(maxBytes);
  let id: string | undefined;
  const messages = objects.map((object: unknown, index) => {
    const fields = fieldsOf(object, index);
    if (index === 0) id = idOf(fields);
    const message = messageOf(fields, index);
    budget.take(message);
    return message;
  });
  return id === undefined ? { messages } : { messages, id };
}

interface Fields {
  readonly topic?: unknown;
  readonly payload?: unknown;
  readonly text?: unknown;
  readonly base64?: unknown;
  readonly qos?: unknown;
  readonly retain?: unknown;
  readonly id?: unknown;
}

function fieldsOf(object: unknown, index: number): Fields {
  return typeof object === "object" && object !== null ? object : fail(index, "is not an object");
}

function parse(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw new BatchError("the batch is not UTF-8");
  if (nestedDeeper(bytes, OUTER_DEPTH + MAX_DEPTH)) throw new BatchError("the batch is nested too deeply");
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (cause) {
    throw new BatchError("the batch is not JSON", { cause });
  }
}

function idOf({ id }: Fields): string | undefined {
  return id === undefined || typeof id === "string" ? id : fail(0, "has an id that is not a text");
}

function messageOf(fields: Fields, index: number): BatchMessage {
  const { topic, qos = 0, retain = false } = fields;
  if (typeof topic !== "string") return fail(index, "has no topic");
  if (qos !== 0 && qos !== 1 && qos !== 2) return fail(index, "has a qos that is not 0, 1 or 2");
  if (typeof retain !== "boolean") return fail(index, "has a retain that is not true or false");
  return { topic, payload: payloadOf(fields, index), qos, retain };
}

function payloadOf({ payload, text, base64 }: Fields, index: number): Uint8Array {
  const count = [payload, text, base64].filter((one) => one !== undefined).length;
  if (count !== 1) return fail(index, "has not exactly one of payload, text and base64");
  if (typeof text === "string") return Buffer.from(text);
  // Node would skip what does not belong into base64.
  if (typeof base64 === "string" && base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return Buffer.from(base64, "base64");
  }
  if (payload === undefined) return fail(index, "has a text that is no string, or a base64 that is none");
  return Buffer.from(JSON.stringify(payload));
}

function fail(index: number, problem: string): never {
  throw new BatchError(`message ${index + 1} ${problem}`);
}
