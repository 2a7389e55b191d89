import { decode, encode } from "cborg";
import type { ForwardedProperties, Publication } from "../publication.js";
import type { QueueEntry, SessionTerms, StoredSubscription, StoredWill } from "../store/store.js";

/** As it is kept: without what is not there, which one format calls null, another undefined. */
export function plain(publication: Publication): Record<string, unknown> {
  const { topic, payload, qos, retain, clientId, properties, messageExpiry } = publication;
  const bytes = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    topic,
    payload: bytes,
    qos,
    retain,
    ...(clientId === undefined ? {} : { clientId }),
    ...(properties === undefined ? {} : { properties: present(properties) }),
    ...(messageExpiry === undefined ? {} : { messageExpiry }),
  };
}

export function encodePublication(publication: Publication): Buffer {
  return Buffer.from(encode(plain(publication)));
}

/** What another node published, or undefined: Redis is a place where others write too. */
export function publicationFrom(value: unknown): Publication | undefined {
  if (!isObject(value)) return undefined;
  const { topic, payload, qos, retain, clientId, properties, messageExpiry } = value;
  if (typeof topic !== "string" || topic === "" || !(payload instanceof Uint8Array)) return undefined;
  if (qos !== 0 && qos !== 1 && qos !== 2) return undefined;
  return {
    topic,
    payload,
    qos,
    retain: retain === true,
    clientId: typeof clientId === "string" ? clientId : undefined,
    properties: isObject(properties) ? (properties as ForwardedProperties) : undefined,
    messageExpiry: typeof messageExpiry === "number" ? messageExpiry : undefined,
  };
}

function present(properties: ForwardedProperties): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

/** How a message goes out to one subscriber. */
export type Sending = Pick<QueueEntry, "qos" | "retain" | "identifiers">;

export function encodeSending({ qos, retain, identifiers }: Sending): string {
  return JSON.stringify([qos, retain ? 1 : 0, ...(identifiers ?? [])]);
}

/** An entry of a queue: `[id, [name, value, ...]]` as Redis gives it. */
export function entryFrom([id, fields]: readonly [Buffer, readonly Buffer[]]): QueueEntry | undefined {
  const sequence = sequenceFrom(id.toString());
  const [, message, , sending] = fields;
  if (sequence === undefined || message === undefined || sending === undefined) return undefined;
  try {
    const publication = publicationFrom(decode(message));
    const how: unknown = JSON.parse(sending.toString());
    if (publication === undefined || !Array.isArray(how)) return undefined;
    const [qos, retain, ...identifiers] = how as unknown[];
    if (qos !== 1 && qos !== 2) return undefined;
    const numbers = identifiers.filter((one) => typeof one === "number");
    return {
      sequence,
      publication,
      qos,
      retain: retain === 1,
      identifiers: numbers.length === 0 ? undefined : numbers,
    };
  } catch {
    return undefined;
  }
}

/** The id of an entry is `0-` and its sequence. */
export function entryId(sequence: number): string {
  return `0-${sequence}`;
}

export function sequenceFrom(id: string): number | undefined {
  const sequence = Number(id.slice(id.indexOf("-") + 1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

export function encodeTerms({ user, listener, expiry, will, disconnected, sent }: SessionTerms): string {
  const left =
    will === undefined
      ? undefined
      : { delay: will.delay, publication: encodePublication(will.publication).toString("base64") };
  return JSON.stringify({ user, listener, expiry, will: left, disconnected, sent });
}

export function termsFrom(text: string): SessionTerms | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const { user, listener, expiry, will, disconnected, sent } = value;
    if (typeof listener !== "string" || typeof expiry !== "number") return undefined;
    return {
      user: typeof user === "string" ? user : undefined,
      listener,
      expiry,
      will: willFrom(will),
      disconnected: typeof disconnected === "number" ? disconnected : undefined,
      sent: typeof sent === "number" ? sent : undefined,
    };
  } catch {
    return undefined;
  }
}

function willFrom(value: unknown): StoredWill | undefined {
  if (!isObject(value) || typeof value["publication"] !== "string" || typeof value["delay"] !== "number")
    return undefined;
  const publication = publicationFrom(decode(Buffer.from(value["publication"], "base64")));
  return publication === undefined ? undefined : { publication, delay: value["delay"] };
}

/** A subscription with the names that aedes' persistence has for its parts. */
export function subscriptionTo({ filter, qos, noLocal, retainAsPublished, identifier }: StoredSubscription) {
  const known = { topic: filter, qos, nl: noLocal, rap: retainAsPublished };
  return identifier === undefined ? known : { ...known, identifier };
}

export function subscriptionFrom(value: unknown): StoredSubscription | undefined {
  if (!isObject(value)) return undefined;
  const { topic, qos, nl, rap, identifier } = value;
  if (typeof topic !== "string" || (qos !== 0 && qos !== 1 && qos !== 2)) return undefined;
  return {
    filter: topic,
    qos,
    noLocal: nl === true,
    retainAsPublished: rap === true,
    identifier: typeof identifier === "number" ? identifier : undefined,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
