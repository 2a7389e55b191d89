import type { Qos } from "../../core/message.js";
import type { ForwardedProperties, Publication } from "../publication.js";
import { type ByteReader, type ByteWriter, Malformed, MOST_NUMBER, mostOfText } from "./bytes.js";

/**
 * A publication: a byte of flags, topic, payload, then what the flags name: expiry, properties and, last, the client that
 * published it, as in any record (record.ts). Of the properties a second byte of flags says which there are.
 */
const QOS = 3;
const RETAIN = 4;
const CLIENT = 8;
const EXPIRY = 16;
const PROPERTIES = 32;

const UTF8 = 1;
const NOT_UTF8 = 2;
const CONTENT_TYPE = 4;
const RESPONSE_TOPIC = 8;
const CORRELATION = 16;
const USER = 32;

/** All but the client: if there is one, it has to follow. */
export function writePublication(into: ByteWriter, publication: Publication): void {
  const { topic, payload, qos, retain, clientId, properties, messageExpiry } = publication;
  into.byte(
    qos |
      (retain ? RETAIN : 0) |
      (clientId === undefined ? 0 : CLIENT) |
      (messageExpiry === undefined ? 0 : EXPIRY) |
      (properties === undefined ? 0 : PROPERTIES),
  );
  into.text(topic);
  into.blob(payload);
  // A clock that is wrong must not stop the store.
  if (messageExpiry !== undefined) into.number(wholeOf(messageExpiry));
  if (properties !== undefined) writeProperties(into, properties);
}

/** What `writePublication` takes at most, in bytes. */
export function mostOfPublication({ topic, payload, clientId, properties }: Publication): number {
  const fixed = 2 + 2 * MOST_NUMBER;
  const named = mostOfText(topic) + (clientId === undefined ? 0 : mostOfText(clientId));
  return fixed + named + payload.length + (properties === undefined ? 0 : mostOfProperties(properties));
}

/** `client` reads the client. */
export function readPublication(from: ByteReader, client: () => string): Publication {
  const flags = from.byte();
  const topic = from.text();
  const payload = from.blob();
  const messageExpiry = flags & EXPIRY ? from.number() : undefined;
  const properties = flags & PROPERTIES ? readProperties(from) : undefined;
  const clientId = flags & CLIENT ? client() : undefined;
  const [qos, retain] = [qosOf(flags & QOS), (flags & RETAIN) !== 0];
  return { topic, payload, qos, retain, clientId, properties, messageExpiry };
}

export function qosOf(value: number): Qos {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new Malformed(`QoS ${value}`);
}

/** As a number of ms can be kept: whole, and not before 1970. */
export function wholeOf(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value) || 0));
}

function writeProperties(into: ByteWriter, properties: ForwardedProperties): void {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  const format = payloadFormatIndicator ? UTF8 : NOT_UTF8;
  into.byte(
    (payloadFormatIndicator === undefined ? 0 : format) |
      (contentType === undefined ? 0 : CONTENT_TYPE) |
      (responseTopic === undefined ? 0 : RESPONSE_TOPIC) |
      (correlationData === undefined ? 0 : CORRELATION) |
      (userProperties === undefined ? 0 : USER),
  );
  if (contentType !== undefined) into.text(contentType);
  if (responseTopic !== undefined) into.text(responseTopic);
  if (correlationData !== undefined) into.blob(correlationData);
  if (userProperties === undefined) return;
  into.number(userProperties.length);
  for (const [name, value] of userProperties) {
    into.text(name);
    into.text(value);
  }
}

function mostOfProperties({
  contentType,
  responseTopic,
  correlationData,
  userProperties,
}: ForwardedProperties): number {
  let most = 1 + 2 * MOST_NUMBER + (correlationData?.length ?? 0);
  if (contentType !== undefined) most += mostOfText(contentType);
  if (responseTopic !== undefined) most += mostOfText(responseTopic);
  for (const [name, value] of userProperties ?? []) most += mostOfText(name) + mostOfText(value);
  return most;
}

function readProperties(from: ByteReader): ForwardedProperties {
  const flags = from.byte();
  const contentType = flags & CONTENT_TYPE ? from.text() : undefined;
  const responseTopic = flags & RESPONSE_TOPIC ? from.text() : undefined;
  const correlationData = flags & CORRELATION ? from.blob() : undefined;
  const userProperties = flags & USER ? readUserProperties(from) : undefined;
  return {
    ...(flags & (UTF8 | NOT_UTF8) ? { payloadFormatIndicator: (flags & UTF8) !== 0 } : {}),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
}

function readUserProperties(from: ByteReader): (readonly [string, string])[] {
  const all: (readonly [string, string])[] = [];
  // A count that lies ends with the frame.
  for (let left = from.number(); left > 0; left -= 1) all.push([from.text(), from.text()]);
  return all;
}
