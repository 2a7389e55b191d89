import { type ByteWriter, whole } from "./byte-writer.js";
import type { ConnectPacket, Will } from "./packet.js";
import { CONNECT, WILL } from "./packet-type.js";
import { topicNameFault } from "./text.js";
import { writeSection } from "./write-properties.js";

/** The body of a CONNECT, in its own version. Throws RangeError. */
export function writeConnect(to: ByteWriter, packet: ConnectPacket): void {
  const { version, clientId, will, username, password, properties } = packet;
  if (version !== 5 && (properties ?? will?.properties) !== undefined) {
    throw new RangeError("properties: MQTT 5 only");
  }
  if (version !== 5 && username === undefined && password !== undefined) {
    throw new RangeError("password: without a username [MQTT-3.1.2-22]");
  }
  to.string(version === 3 ? "MQIsdp" : "MQTT", "protocol name");
  to.uint8(version);
  to.uint8(flagsOf(packet));
  to.uint16(packet.keepAlive, "keepAlive");
  if (version === 5) writeSection(to, CONNECT, properties);
  to.string(clientId, "clientId");
  if (will !== undefined) {
    if (version === 5) writeSection(to, WILL, will.properties);
    writeWill(to, will);
  }
  if (username !== undefined) to.string(username, "username");
  if (password !== undefined) to.binary(password, "password");
}

function flagsOf({ cleanStart, will, username, password }: ConnectPacket): number {
  const ofWill = will === undefined ? 0 : 0x04 | (whole(will.qos, 2, "will.qos") << 3) | (will.retain ? 0x20 : 0);
  return (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40) | ofWill | (cleanStart ? 0x02 : 0);
}

function writeWill(to: ByteWriter, { topic, payload }: Will): void {
  const fault = topicNameFault(topic);
  if (fault !== undefined) throw new RangeError(`will.topic: ${fault}`);
  to.string(topic, "will.topic");
  to.binary(payload, "will.payload");
}
