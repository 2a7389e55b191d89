import type { ByteWriter } from "./byte-writer.js";
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  DisconnectPacket,
  Packet,
  ProtocolVersion,
  PublishPacket,
  SubackPacket,
  SubscribePacket,
  Subscription,
  UnsubackPacket,
  UnsubscribePacket,
} from "./packet.js";
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
import { reasonCodeFault } from "./reason-codes.js";
import { topicFilterFault } from "./text.js";
import { writeConnect } from "./write-connect.js";
import { writeSection } from "./write-properties.js";

const TYPES = {
  connect: CONNECT,
  connack: CONNACK,
  puback: PUBACK,
  pubrec: PUBREC,
  pubrel: PUBREL,
  pubcomp: PUBCOMP,
  subscribe: SUBSCRIBE,
  suback: SUBACK,
  unsubscribe: UNSUBSCRIBE,
  unsuback: UNSUBACK,
  pingreq: PINGREQ,
  pingresp: PINGRESP,
  disconnect: DISCONNECT,
  auth: AUTH,
} as const;

/** Writes the body of any packet but PUBLISH, and gives the first byte that goes before it. Throws RangeError. */
export function writePacket(to: ByteWriter, version: ProtocolVersion, packet: Exclude<Packet, PublishPacket>): number {
  const type = TYPES[packet.kind];
  if (version !== 5 && packet.kind !== "connect") refuseProperties(packet);
  writeBody(to, version, type, packet);
  return (type << 4) | (type === PUBREL || type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0);
}

function writeBody(
  to: ByteWriter,
  version: ProtocolVersion,
  type: number,
  packet: Exclude<Packet, PublishPacket>,
): void {
  switch (packet.kind) {
    case "connect":
      writeConnect(to, packet);
      return;
    case "connack":
      writeConnack(to, version, packet);
      return;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      writePacketId(to, packet.packetId);
      writeReason(to, version, type, packet);
      return;
    case "subscribe":
      writeSubscribe(to, version, packet);
      return;
    case "suback":
    case "unsuback":
      writeGranted(to, version, type, packet);
      return;
    case "unsubscribe":
      writeUnsubscribe(to, version, packet);
      return;
    case "pingreq":
    case "pingresp":
      return;
    case "disconnect":
      writeReason(to, version, type, packet);
      return;
    case "auth":
      if (version !== 5) throw new RangeError("auth: MQTT 5 only");
      writeReason(to, version, type, packet);
  }
}

function writeConnack(to: ByteWriter, version: ProtocolVersion, packet: ConnackPacket): void {
  const { sessionPresent, reasonCode } = packet;
  if (sessionPresent && version === 3) throw new RangeError("sessionPresent: not in MQTT 3.1");
  if (sessionPresent && reasonCode !== 0) throw new RangeError("sessionPresent: not in a refusal [MQTT-3.2.2-4]");
  to.uint8(sessionPresent ? 1 : 0);
  to.uint8(checkedReason(version, CONNACK, reasonCode));
  if (version === 5) writeSection(to, CONNACK, packet.properties);
}

/** Left out from the end on where there is nothing to say (MQTT 5 3.4.2.1, 3.14.2.1, 3.15.2.1). */
function writeReason(
  to: ByteWriter,
  version: ProtocolVersion,
  type: number,
  { reasonCode, properties }: AckPacket | DisconnectPacket | AuthPacket,
): void {
  checkedReason(version, type, reasonCode);
  if (version !== 5 || (reasonCode === 0 && properties === undefined)) return;
  to.uint8(reasonCode);
  // MQTT 5 2.2.2.1 and 3.14.2.2.1 let a length of 0 go; of AUTH 3.15.2.1 says it only together with reason code 0.
  if (properties !== undefined || type === AUTH) writeSection(to, type, properties);
}

function writeSubscribe(to: ByteWriter, version: ProtocolVersion, packet: SubscribePacket): void {
  const { packetId, subscriptions, properties } = packet;
  writePacketId(to, packetId);
  if (version === 5) writeSection(to, SUBSCRIBE, properties);
  if (subscriptions.length === 0) throw new RangeError("subscriptions: none [MQTT-3.8.3-3]");
  for (const subscription of subscriptions) {
    writeFilter(to, version, subscription.filter);
    to.uint8(optionsOf(version, subscription));
  }
}

function optionsOf(version: ProtocolVersion, subscription: Subscription): number {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  if (!(qos === 0 || qos === 1 || qos === 2)) throw new RangeError(`qos: ${String(qos)}`);
  const options = qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
  if (version !== 5 && options !== qos) throw new RangeError(`${filter}: options before MQTT 5`);
  if (!(retainHandling >= 0 && retainHandling <= 2)) throw new RangeError(`retainHandling: ${String(retainHandling)}`);
  if (noLocal && filter.startsWith("$share/")) throw new RangeError(`${filter}: noLocal [MQTT-3.8.3-4]`);
  return options;
}

function writeGranted(
  to: ByteWriter,
  version: ProtocolVersion,
  type: number,
  { packetId, reasonCodes, properties }: SubackPacket | UnsubackPacket,
): void {
  writePacketId(to, packetId);
  if (version === 5) writeSection(to, type, properties);
  const none = version !== 5 && type === UNSUBACK;
  if ((reasonCodes.length === 0) !== none) throw new RangeError(`reasonCodes: ${reasonCodes.length}`);
  for (const code of reasonCodes) to.uint8(checkedReason(version, type, code));
}

function writeUnsubscribe(to: ByteWriter, version: ProtocolVersion, packet: UnsubscribePacket): void {
  const { packetId, filters, properties } = packet;
  writePacketId(to, packetId);
  if (version === 5) writeSection(to, UNSUBSCRIBE, properties);
  if (filters.length === 0) throw new RangeError("filters: none [MQTT-3.10.3-2]");
  for (const filter of filters) writeFilter(to, version, filter);
}

function writeFilter(to: ByteWriter, version: ProtocolVersion, filter: string): void {
  const fault = topicFilterFault(filter, version);
  if (fault !== undefined) throw new RangeError(`filter: ${fault}`);
  to.string(filter, "filter");
}

function writePacketId(to: ByteWriter, packetId: number): void {
  if (packetId === 0) throw new RangeError("packetId: 0 [MQTT-2.3.1-1]");
  to.uint16(packetId, "packetId");
}

function checkedReason(version: ProtocolVersion, type: number, code: number): number {
  const clause = reasonCodeFault(version, type, code);
  if (clause !== undefined) throw new RangeError(`reasonCode: ${code} [${clause}]`);
  return code;
}

function refuseProperties(packet: { readonly properties?: Properties } | object): void {
  if ("properties" in packet && packet.properties !== undefined) throw new RangeError("properties: MQTT 5 only");
}
