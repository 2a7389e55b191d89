import type * as peer from "mqtt-packet";
import type { Packet, ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";

/** The same packets as mqtt-packet has them, both ways. */

type Fields = Record<string, unknown>;

/** Names that differ in the properties. */
const NAMES: readonly (readonly [ours: string, theirs: string])[] = [
  ["maximumQos", "maximumQoS"],
  ["subscriptionIdentifierAvailable", "subscriptionIdentifiersAvailable"],
  ["subscriptionIdentifiers", "subscriptionIdentifier"],
];

export function toPeer(version: ProtocolVersion, packet: Packet): peer.Packet {
  const { kind, properties, ...own } = packet as unknown as Fields;
  const theirs: Fields = { cmd: kind, ...renamedToPeer(packet, own, version) };
  if (properties !== undefined) theirs["properties"] = propertiesToPeer(properties as Fields);
  return theirs as unknown as peer.Packet;
}

function renamedToPeer(packet: Packet, own: Fields, version: ProtocolVersion): Fields {
  const { packetId, reasonCode, reasonCodes, version: _, cleanStart, keepAlive, filters, ...others } = own;
  const theirs: Fields = others;
  if (packetId !== undefined) theirs["messageId"] = packetId;
  if (reasonCode !== undefined) {
    theirs[version !== 5 && packet.kind === "connack" ? "returnCode" : "reasonCode"] = reasonCode;
  }
  if (Array.isArray(reasonCodes) && reasonCodes.length > 0) theirs["granted"] = reasonCodes;
  switch (packet.kind) {
    case "publish":
      return { ...theirs, payload: Buffer.from(packet.payload) };
    case "connect": {
      const { will, password } = packet;
      return {
        ...theirs,
        protocolId: packet.version === 3 ? "MQIsdp" : "MQTT",
        protocolVersion: packet.version,
        clean: cleanStart,
        keepalive: keepAlive,
        ...(password === undefined ? {} : { password: Buffer.from(password) }),
        ...(will === undefined ? {} : { will: willToPeer(will) }),
      };
    }
    case "subscribe":
      return {
        ...theirs,
        subscriptions: packet.subscriptions.map((one) => ({
          topic: one.filter,
          qos: one.qos,
          ...(version === 5 ? { nl: one.noLocal, rap: one.retainAsPublished, rh: one.retainHandling } : {}),
        })),
      };
    case "unsubscribe":
      return { ...theirs, unsubscriptions: filters };
    default:
      return theirs;
  }
}

function willToPeer({ properties, ...will }: NonNullable<(Packet & { kind: "connect" })["will"]>): Fields {
  const theirs: Fields = { ...will, payload: Buffer.from(will.payload) };
  if (properties !== undefined) theirs["properties"] = propertiesToPeer(properties as Fields);
  return theirs;
}

function propertiesToPeer(ours: Fields): Fields {
  const theirs: Fields = { ...ours };
  for (const [own, name] of NAMES) {
    if (theirs[own] === undefined) continue;
    theirs[name] = theirs[own];
    delete theirs[own];
  }
  for (const [name, value] of Object.entries(theirs))
    if (value instanceof Uint8Array) theirs[name] = Buffer.from(value);
  if (ours["userProperties"] !== undefined) {
    theirs["userProperties"] = grouped(ours["userProperties"] as [string, string][]);
  }
  return theirs;
}

/** Their user properties are an object: the values of one name together. */
function grouped(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const groups: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) groups[name] = [...(groups[name] ?? []), value];
  return groups;
}

/** What they read, in the shape of what they are given: so that `toPeer` of our packet is to equal it. */
export function plain(packet: peer.Packet): unknown {
  return plainFields(packet as unknown as Fields);
}

/** Of what they add or leave out in their own way. */
const THEIRS_ALONE = new Set(["length", "bridgeMode"]);

function plainFields(fields: Fields): Fields {
  const result: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    if (THEIRS_ALONE.has(name) || value === undefined || value === null) continue;
    if (name === "userProperties") {
      result[name] = Object.fromEntries(Object.entries(value as Fields).map(([own, some]) => [own, [some].flat()]));
    } else if (name === "subscriptionIdentifier") result[name] = [value].flat();
    else if (value instanceof Uint8Array) result[name] = Buffer.from(value).toString("hex");
    else if (Array.isArray(value)) {
      result[name] = value.map((one: unknown) => (typeof one === "object" ? plainFields(one as Fields) : one));
    } else result[name] = typeof value === "object" ? plainFields(value as Fields) : value;
  }
  return result;
}
