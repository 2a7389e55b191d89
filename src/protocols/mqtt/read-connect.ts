import type { Cursor } from "./cursor.js";
import { MqttError, malformed } from "./error.js";
import type { ConnectPacket, ProtocolVersion, Will } from "./packet.js";
import { CONNECT, WILL } from "./packet-type.js";
import { readProperties } from "./read-properties.js";

/** The body of a CONNECT. Gives the cursor its version, so that even a bad one can be answered in its own. */
export function readConnect(cursor: Cursor): ConnectPacket {
  const version = versionOf(cursor.string(), cursor.uint8());
  cursor.version = version;
  const flags = cursor.uint8();
  checkFlags(flags, version);
  const keepAlive = cursor.uint16();
  const properties = version === 5 ? readProperties(cursor, CONNECT) : undefined;
  const clientId = cursor.string();
  const will = (flags & 0x04) !== 0 ? readWill(flags, cursor) : undefined;
  const username = (flags & 0x80) !== 0 ? cursor.string() : undefined;
  const password = (flags & 0x40) !== 0 ? cursor.binary() : undefined;
  return {
    kind: "connect",
    version,
    cleanStart: (flags & 0x02) !== 0,
    keepAlive,
    clientId,
    ...(will === undefined ? {} : { will }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(properties === undefined ? {} : { properties }),
  };
}

function versionOf(protocol: string, level: number): ProtocolVersion {
  if (protocol === "MQTT" && (level === 4 || level === 5)) return level;
  if (protocol === "MQIsdp" && level === 3) return level;
  // Only to who speaks MQTT can be said that the level is wrong.
  if (protocol !== "MQTT" && protocol !== "MQIsdp") throw malformed("a protocol that is not MQTT [MQTT-3.1.2-1]");
  throw new MqttError("UNSUPPORTED_VERSION", `protocol level ${level} [MQTT-3.1.2-1, MQTT-3.1.2-2]`);
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  // Not used in MQTT 3.1, and not said to be 0 (MQTT 3.1 3.1).
  if ((flags & 0x01) !== 0 && version !== 3) throw malformed("the reserved connect flag [MQTT-3.1.2-3]");
  if ((flags & 0x18) === 0x18) throw malformed("a will at QoS 3 [MQTT-3.1.2-14, MQTT 5: MQTT-3.1.2-12]");
  if ((flags & 0x04) === 0 && (flags & 0x38) !== 0) {
    throw malformed("a will QoS or retain without a will [MQTT-3.1.2-13, -15, MQTT 5: MQTT-3.1.2-11, -13]");
  }
  // MQTT 5 3.1.2.9 lets a password stand alone.
  if (version !== 5 && (flags & 0xc0) === 0x40) throw malformed("a password without a user name [MQTT-3.1.2-22]");
}

function readWill(flags: number, cursor: Cursor): Will {
  const properties = cursor.version === 5 ? readProperties(cursor, WILL) : undefined;
  const topic = cursor.topicName();
  const payload = cursor.binary();
  const bits = (flags >> 3) & 3;
  const qos = bits === 0 ? 0 : bits === 1 ? 1 : 2;
  const retain = (flags & 0x20) !== 0;
  return { topic, payload, qos, retain, ...(properties === undefined ? {} : { properties }) };
}
