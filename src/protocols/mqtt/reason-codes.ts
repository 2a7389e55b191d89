import type { ProtocolVersion } from "./packet.js";
import { AUTH, CONNACK, DISCONNECT, PUBACK, PUBCOMP, PUBREC, PUBREL, SUBACK, UNSUBACK } from "./packet-type.js";

interface Rule {
  readonly codes: ReadonlySet<number>;
  readonly clause: string;
}

const of = (clause: string, ...codes: readonly number[]): Rule => ({ codes: new Set(codes), clause });

const RECEIVED = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const RELEASED = [0x00, 0x92];

/** By packet type. */
const MQTT5: ReadonlyMap<number, Rule> = new Map([
  [
    CONNACK,
    of(
      "MQTT-3.2.2-8",
      ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90],
      ...[0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
    ),
  ],
  [PUBACK, of("MQTT-3.4.2-1", ...RECEIVED)],
  [PUBREC, of("MQTT-3.5.2-1", ...RECEIVED)],
  [PUBREL, of("MQTT-3.6.2-1", ...RELEASED)],
  [PUBCOMP, of("MQTT-3.7.2-1", ...RELEASED)],
  [SUBACK, of("MQTT-3.9.3-2", 0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2)],
  [UNSUBACK, of("MQTT-3.11.3-2", 0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91)],
  [
    DISCONNECT,
    of(
      "MQTT-3.14.2-1",
      ...[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95],
      ...[0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
    ),
  ],
  [AUTH, of("MQTT-3.15.2-1", 0x00, 0x18, 0x19)],
]);

const MQTT311: ReadonlyMap<number, Rule> = new Map([
  [CONNACK, of("MQTT 3.1.1 table 3.1", 0, 1, 2, 3, 4, 5)],
  [SUBACK, of("MQTT-3.9.3-2", 0x00, 0x01, 0x02, 0x80)],
]);

const NONE = of("before MQTT 5 there are no reason codes", 0);

/** The clause that forbids the code in a packet of that type, or undefined where it may be. */
export function reasonCodeFault(version: ProtocolVersion, type: number, code: number): string | undefined {
  const rule = (version === 5 ? MQTT5 : MQTT311).get(type) ?? NONE;
  return rule.codes.has(code) ? undefined : rule.clause;
}
