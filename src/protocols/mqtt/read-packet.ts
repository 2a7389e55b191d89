import type { Cursor } from "./cursor.js";
import { type MqttError, malformed, protocolError } from "./error.js";
import type { AckKind, Packet, ProtocolVersion, Qos, Subscription } from "./packet.js";
import {
  AUTH,
  CONNACK,
  CONNECT,
  DISCONNECT,
  PINGREQ,
  PINGRESP,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  SUBACK,
  SUBSCRIBE,
  UNSUBACK,
  UNSUBSCRIBE,
} from "./packet-type.js";
import type { Properties } from "./properties.js";
import { readConnect } from "./read-connect.js";
import { readProperties } from "./read-properties.js";
import { reasonCodeFault } from "./reason-codes.js";
import { topicFilterFault } from "./text.js";

/** Bits of the first byte that MQTT 3.1 says are not used, or set for a second try: DUP (MQTT 3.1 2.1). */
const DUP_IN_31: readonly number[] = [PUBREL, SUBSCRIBE, UNSUBSCRIBE];

/** Any packet but PUBLISH. The cursor is over its body. */
export function readPacket(first: number, cursor: Cursor): Packet {
  const type = first >> 4;
  checkFlags(type, first & 0x0f, cursor.version);
  const packet = readBody(type, cursor);
  cursor.finish();
  return packet;
}

function checkFlags(type: number, flags: number, version: ProtocolVersion): void {
  const expected = type === PUBREL || type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0;
  const ignored = version === 3 && DUP_IN_31.includes(type) ? 8 : 0;
  if ((flags & ~ignored) !== expected) {
    throw malformed(`flags ${flags} in a packet of type ${type} [MQTT-2.2.2-2, MQTT 5: MQTT-2.1.3-1]`);
  }
}

function readBody(type: number, cursor: Cursor): Packet {
  switch (type) {
    case CONNECT:
      return readConnect(cursor);
    case CONNACK:
      return readConnack(cursor);
    case PUBACK:
      return readAck("puback", type, cursor);
    case PUBREC:
      return readAck("pubrec", type, cursor);
    case PUBREL:
      return readAck("pubrel", type, cursor);
    case PUBCOMP:
      return readAck("pubcomp", type, cursor);
    case SUBSCRIBE:
      return readSubscribe(cursor);
    case SUBACK:
      return readSuback(cursor);
    case UNSUBSCRIBE:
      return readUnsubscribe(cursor);
    case UNSUBACK:
      return readUnsuback(cursor);
    case PINGREQ:
      return { kind: "pingreq" };
    case PINGRESP:
      return { kind: "pingresp" };
    case DISCONNECT:
      return readDisconnect(cursor);
    case AUTH:
      return readAuth(cursor);
    default:
      throw malformed(`packet type ${type} [MQTT 2.2.1]`);
  }
}

function readConnack(cursor: Cursor): Packet {
  const { version } = cursor;
  const flags = cursor.uint8();
  // In MQTT 3.1 the byte is reserved and not said to be 0 (MQTT 3.1 3.2).
  if (flags > 1 && version !== 3)
    throw malformed(`acknowledge flags ${flags} [MQTT 3.1.1 3.2.2.1, MQTT 5: MQTT-3.2.2-1]`);
  const sessionPresent = version !== 3 && flags === 1;
  const reasonCode = readReasonCode(cursor, CONNACK);
  if (sessionPresent && reasonCode !== 0) {
    throw protocolError("a session present in a refusal [MQTT-3.2.2-4, MQTT 5: MQTT-3.2.2-6]");
  }
  return { kind: "connack", sessionPresent, reasonCode, ...sectionOf(cursor, CONNACK) };
}

function readAck(kind: AckKind, type: number, cursor: Cursor): Packet {
  const packetId = readPacketId(cursor);
  return { kind, packetId, ...readReason(cursor, type) };
}

function readSubscribe(cursor: Cursor): Packet {
  const packetId = readPacketId(cursor);
  const section = sectionOf(cursor, SUBSCRIBE);
  const subscriptions: Subscription[] = [];
  while (cursor.left > 0) subscriptions.push(readSubscription(cursor));
  if (subscriptions.length === 0)
    throw protocolError("SUBSCRIBE without a filter [MQTT-3.8.3-3, MQTT 5: MQTT-3.8.3-2]");
  return { kind: "subscribe", packetId, subscriptions, ...section };
}

function readSubscription(cursor: Cursor): Subscription {
  const { version } = cursor;
  const filter = readFilter(cursor);
  const options = cursor.uint8();
  const reserved = version === 5 ? 0xc0 : 0xfc;
  if ((options & reserved) !== 0)
    throw malformed(`subscription options ${options} [MQTT-3-8.3-4, MQTT 5: MQTT-3.8.3-5]`);
  const qos = options & 3;
  if (!isQos(qos)) throw malformed("a subscription at QoS 3 [MQTT-3-8.3-4, MQTT 5 3.8.3.1]");
  const noLocal = (options & 4) !== 0;
  if (noLocal && filter.startsWith("$share/")) throw protocolError("No Local on a shared subscription [MQTT-3.8.3-4]");
  const retainHandling = (options >> 4) & 3;
  if (!isQos(retainHandling)) throw protocolError("retain handling 3 [MQTT 5 3.8.3.1]");
  return { filter, qos, noLocal, retainAsPublished: (options & 8) !== 0, retainHandling };
}

function readSuback(cursor: Cursor): Packet {
  const packetId = readPacketId(cursor);
  const section = sectionOf(cursor, SUBACK);
  return { kind: "suback", packetId, reasonCodes: readReasonCodes(cursor, SUBACK), ...section };
}

function readUnsubscribe(cursor: Cursor): Packet {
  const packetId = readPacketId(cursor);
  const section = sectionOf(cursor, UNSUBSCRIBE);
  const filters: string[] = [];
  while (cursor.left > 0) filters.push(readFilter(cursor));
  if (filters.length === 0) throw protocolError("UNSUBSCRIBE without a filter [MQTT-3.10.3-2]");
  return { kind: "unsubscribe", packetId, filters, ...section };
}

function readUnsuback(cursor: Cursor): Packet {
  const packetId = readPacketId(cursor);
  const section = sectionOf(cursor, UNSUBACK);
  const reasonCodes = cursor.version === 5 ? readReasonCodes(cursor, UNSUBACK) : [];
  return { kind: "unsuback", packetId, reasonCodes, ...section };
}

function readDisconnect(cursor: Cursor): Packet {
  return { kind: "disconnect", ...readReason(cursor, DISCONNECT) };
}

function readAuth(cursor: Cursor): Packet {
  if (cursor.version !== 5) throw malformed(`packet type ${AUTH} before MQTT 5 [MQTT 3.1.1 2.2.1]`);
  return { kind: "auth", ...readReason(cursor, AUTH) };
}

/** 0 where a packet of MQTT 5 ends before it; then it has no properties either (MQTT 5 3.4.2.1, 3.4.2.2.1). */
function readReason(cursor: Cursor, type: number): { reasonCode: number; properties?: Properties } {
  if (cursor.version !== 5 || cursor.left === 0) return { reasonCode: 0 };
  const reasonCode = readReasonCode(cursor, type);
  // AUTH alone must say that it has no properties, unless its reason code is left out too (MQTT 5 3.15.2.1).
  if (cursor.left === 0 && type !== AUTH) return { reasonCode };
  return { reasonCode, ...sectionOf(cursor, type) };
}

function sectionOf(cursor: Cursor, type: number): { properties?: Properties } {
  const properties = cursor.version === 5 ? readProperties(cursor, type) : undefined;
  return properties === undefined ? {} : { properties };
}

function readReasonCode(cursor: Cursor, type: number): number {
  const code = cursor.uint8();
  const clause = reasonCodeFault(cursor.version, type, code);
  if (clause !== undefined) throw malformed(`reason code ${code} in a packet of type ${type} [${clause}]`);
  return code;
}

function readReasonCodes(cursor: Cursor, type: number): number[] {
  const codes: number[] = [];
  while (cursor.left > 0) codes.push(readReasonCode(cursor, type));
  // One for each of at least one filter.
  if (codes.length === 0) throw protocolError("an acknowledgement of no filter [MQTT-3.8.4-5, MQTT 5: MQTT-3.8.4-6]");
  return codes;
}

function readPacketId(cursor: Cursor): number {
  const packetId = cursor.uint16();
  if (packetId === 0) throw zeroPacketId();
  return packetId;
}

export function zeroPacketId(): MqttError {
  return protocolError("packet id 0 [MQTT-2.3.1-1, MQTT 5: MQTT-2.2.1-3]");
}

function readFilter(cursor: Cursor): string {
  const filter = cursor.string();
  const fault = topicFilterFault(filter, cursor.version);
  if (fault !== undefined) throw malformed(fault);
  return filter;
}

function isQos(value: number): value is Qos {
  return value <= 2;
}
