import assert from "node:assert/strict";
import { test } from "node:test";
import { MqttError, type MqttErrorCode, type ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";
import { bytesOf, decode } from "./bytes.js";

type Row = readonly [
  what: string,
  ProtocolVersion | readonly ProtocolVersion[],
  bytes: string,
  says: RegExp,
  code?: MqttErrorCode,
];

const ALL = [3, 4, 5] as const;
const OLD = [3, 4] as const;
/** What is refused, by which clause, and how. */
const ROWS: readonly Row[] = [
  // Fixed header
  ["packet type 0", ALL, "00 00", /packet type 0 \[MQTT 2\.2\.1\]/],
  ["packet type 15 before MQTT 5", OLD, "F0 00", /packet type 15 before MQTT 5/],
  ["a remaining length of 5 bytes", ALL, "C0 8080808001", /MQTT 2\.2\.3/],
  ["a remaining length of 4 bytes that says it goes on", ALL, "C0 80808080", /MQTT 2\.2\.3/],
  ["a remaining length longer than it needs", 5, "C0 8000", /MQTT-1\.5\.5-1/],
  [
    "the same of a CONNECT of MQTT 5 before its version is known",
    4,
    "10 8D00 0004'MQTT' 05 02 0000 00 0000",
    /MQTT-1\.5\.5-1/,
  ],
  ["flags of CONNECT", ALL, "11 0C 0004'MQTT' 04 02 0000 0000", /MQTT-2\.2\.2-2/],
  ["flags of CONNACK", ALL, "21 02 00 00", /MQTT-2\.2\.2-2/],
  ["flags of PUBACK", ALL, "42 02 0001", /MQTT-2\.2\.2-2/],
  ["flags of PUBREC", ALL, "51 02 0001", /MQTT-2\.2\.2-2/],
  ["flags 0 of PUBREL", ALL, "60 02 0001", /MQTT-2\.2\.2-2/],
  ["DUP in PUBREL after MQTT 3.1", [4, 5], "6A 02 0001", /MQTT-2\.2\.2-2/],
  ["flags of PUBCOMP", ALL, "72 02 0001", /MQTT-2\.2\.2-2/],
  ["flags of SUBSCRIBE", 4, "80 06 0001 0001'a' 00", /MQTT-2\.2\.2-2/],
  ["flags of SUBACK", 4, "92 03 0001 00", /MQTT-2\.2\.2-2/],
  ["flags of UNSUBSCRIBE", 4, "A0 05 0001 0001'a'", /MQTT-2\.2\.2-2/],
  ["flags of UNSUBACK", 4, "B2 02 0001", /MQTT-2\.2\.2-2/],
  ["flags of PINGREQ", ALL, "C1 00", /MQTT-2\.2\.2-2/],
  ["flags of PINGRESP", ALL, "D8 00", /MQTT-2\.2\.2-2/],
  ["flags of DISCONNECT", ALL, "E2 00", /MQTT-2\.2\.2-2/],
  ["flags of AUTH", 5, "F1 00", /MQTT-2\.2\.2-2/],
  // Ends
  ["a body in PINGREQ", ALL, "C0 01 00", /behind the last field/],
  ["a body in DISCONNECT before MQTT 5", OLD, "E0 01 00", /behind the last field/],
  ["bytes behind a CONNECT", 4, "10 0D 0004'MQTT' 04 02 0000 0000 00", /behind the last field/],
  ["a third byte in PUBACK before MQTT 5", OLD, "40 03 0001 00", /behind the last field/],
  ["bytes behind the properties of PUBACK", 5, "40 05 0001 00 00 00", /behind the last field/],
  ["bytes behind a CONNACK", 4, "20 03 00 00 00", /behind the last field/],
  ["PUBACK without its packet id", ALL, "40 00", /beyond the packet's end/],
  ["PUBACK with half a packet id", ALL, "40 01 00", /beyond the packet's end/],
  ["CONNACK of one byte", ALL, "20 01 00", /beyond the packet's end/],
  ["PUBLISH of no bytes", ALL, "30 00", /before its payload begins/],
  ["PUBLISH whose topic goes on beyond it", ALL, "30 03 0002'a'", /before its payload begins/],
  ["PUBLISH without its packet id", ALL, "32 03 0001'a'", /before its payload begins/],
  ["PUBLISH without a property length", 5, "30 03 0001'a'", /beyond the packet's end/],
  // Strings
  ["a surrogate in a topic", ALL, "30 06 0003 EDA080 00", /MQTT-1\.5\.3-1/],
  ["an overlong form in a topic", ALL, "30 05 0002 C0AF 00", /MQTT-1\.5\.3-1/],
  ["half a character in a topic", ALL, "30 04 0001 C3 00", /MQTT-1\.5\.3-1/],
  ["beyond U+10FFFF in a topic", ALL, "30 07 0004 F4908080 00", /MQTT-1\.5\.3-1/],
  ["U+0000 in a topic", ALL, "30 04 0001 00 00", /MQTT-1\.5\.3-2/],
  ["U+0000 in a client id", 4, "10 0D 0004'MQTT' 04 02 0000 0001 00", /MQTT-1\.5\.3-2/],
  ["a surrogate in a user name", 4, "10 11 0004'MQTT' 04 82 0000 0000 0003 EDBFBF", /MQTT-1\.5\.3-1/],
  ["U+0000 in a filter", 4, "82 06 0001 0001 00 00", /MQTT-1\.5\.3-2/],
  ["a surrogate in a user property", 5, "E0 0B 00 09 26 0001'k' 0003 EDA080", /MQTT-1\.5\.4-1/],
  // PUBLISH
  ["QoS 3", ALL, "36 06 0001'a' 0001 00", /MQTT-3\.3\.1-4/],
  ["DUP at QoS 0", ALL, "38 04 0001'a' 00", /MQTT-3\.3\.1-2/],
  ["packet id 0", ALL, "32 06 0001'a' 0000 00", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["# in a topic", ALL, "30 06 0003'a/#' 00", /MQTT-3\.3\.2-2/],
  ["+ in a topic", ALL, "30 05 0002'+a' 00", /MQTT-3\.3\.2-2/],
  ["no topic", OLD, "30 02 0000", /MQTT-4\.7\.3-1/, "PROTOCOL_ERROR"],
  ["no topic and no alias", 5, "30 03 0000 00", /3\.3\.2\.1/, "PROTOCOL_ERROR"],
  ["topic alias 0", 5, "30 07 0001'a' 03 23 0000", /MQTT-3\.3\.2-8/, "PROTOCOL_ERROR"],
  ["a wildcard in a response topic", 5, "30 08 0001'a' 04 08 0001'#'", /a wildcard/],
  ["subscription identifier 0", 5, "30 06 0001'a' 02 0B 00", /subscriptionIdentifiers is 0/, "PROTOCOL_ERROR"],
  ["payload format 2", 5, "30 06 0001'a' 02 01 02", /payloadFormatIndicator is 2/, "PROTOCOL_ERROR"],
  // Acks
  ["packet id 0 in PUBACK", ALL, "40 02 0000", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in PUBREL", ALL, "62 02 0000", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in a long PUBACK", 5, "40 03 0000 00", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in SUBSCRIBE", 4, "82 06 0000 0001'a' 00", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in SUBACK", 4, "90 03 0000 00", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in UNSUBSCRIBE", 4, "A2 05 0000 0001'a'", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["packet id 0 in UNSUBACK", 4, "B0 02 0000", /MQTT-2\.3\.1-1/, "PROTOCOL_ERROR"],
  ["a reason code PUBACK has not", 5, "40 03 0001 92", /MQTT-3\.4\.2-1/],
  ["a reason code PUBREC has not", 5, "50 03 0001 01", /MQTT-3\.5\.2-1/],
  ["a reason code PUBREL has not", 5, "62 03 0001 10", /MQTT-3\.6\.2-1/],
  ["a reason code PUBCOMP has not", 5, "70 03 0001 80", /MQTT-3\.7\.2-1/],
  // CONNECT
  ["level 6", 4, "10 0C 0004'MQTT' 06 02 0000 0000", /MQTT-3\.1\.2-2/, "UNSUPPORTED_VERSION"],
  ["level 3 by the name of level 4", 4, "10 0C 0004'MQTT' 03 02 0000 0000", /MQTT-3\.1\.2-2/, "UNSUPPORTED_VERSION"],
  ["another protocol", 4, "10 0C 0004'mqtt' 04 02 0000 0000", /MQTT-3\.1\.2-1/],
  ["the bit of a bridge in the level", 4, "10 0C 0004'MQTT' 84 02 0000 0000", /level 132/, "UNSUPPORTED_VERSION"],
  ["the reserved flag", 4, "10 0C 0004'MQTT' 04 03 0000 0000", /MQTT-3\.1\.2-3/],
  ["a will at QoS 3", 4, "10 12 0004'MQTT' 04 1E 0000 0000 0001'w' 0001'x'", /MQTT-3\.1\.2-14/],
  ["a will QoS without a will", 4, "10 0C 0004'MQTT' 04 0A 0000 0000", /MQTT-3\.1\.2-13/],
  ["a will retain without a will", 4, "10 0C 0004'MQTT' 04 22 0000 0000", /MQTT-3\.1\.2-13/],
  ["a password without a user name", 4, "10 0F 0004'MQTT' 04 42 0000 0000 0001'p'", /MQTT-3\.1\.2-22/],
  ["a user name that is not there", 4, "10 0C 0004'MQTT' 04 82 0000 0000", /beyond the packet's end/],
  ["a wildcard in a will topic", 4, "10 12 0004'MQTT' 04 06 0000 0000 0001'#' 0001'x'", /MQTT-4\.7\.1-1/],
  ["an empty will topic", 4, "10 11 0004'MQTT' 04 06 0000 0000 0000 0001'x'", /MQTT-4\.7\.3-1/],
  ["receive maximum 0", 5, "10 10 0004'MQTT' 05 02 0000 03 21 0000 0000", /receiveMaximum is 0/, "PROTOCOL_ERROR"],
  [
    "maximum packet size 0",
    5,
    "10 12 0004'MQTT' 05 02 0000 05 27 00000000 0000",
    /maximumPacketSize is 0/,
    "PROTOCOL_ERROR",
  ],
  ["request problem information 2", 5, "10 0F 0004'MQTT' 05 02 0000 02 17 02 0000", /is 2/, "PROTOCOL_ERROR"],
  [
    "authentication data without a method",
    5,
    "10 11 0004'MQTT' 05 02 0000 04 16 0001'x' 0000",
    /3\.1\.2\.11\.10/,
    "PROTOCOL_ERROR",
  ],
  // CONNACK
  ["acknowledge flags", [4, 5], "20 03 02 00 00", /MQTT-3\.2\.2-1/],
  ["a session present in a refusal", 4, "20 02 01 05", /MQTT-3\.2\.2-4/, "PROTOCOL_ERROR"],
  ["a session present in a refusal", 5, "20 03 01 87 00", /MQTT-3\.2\.2-6/, "PROTOCOL_ERROR"],
  ["return code 6", OLD, "20 02 00 06", /table 3\.1/],
  ["a reason code CONNACK has not", 5, "20 03 00 01 00", /MQTT-3\.2\.2-8/],
  ["maximum QoS 2", 5, "20 05 00 00 02 24 02", /maximumQos is 2/, "PROTOCOL_ERROR"],
  // SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK
  ["SUBSCRIBE without a filter", 4, "82 02 0001", /MQTT-3\.8\.3-3/, "PROTOCOL_ERROR"],
  ["SUBSCRIBE without a filter", 5, "82 03 0001 00", /MQTT-3\.8\.3-2/, "PROTOCOL_ERROR"],
  ["SUBSCRIBE without a QoS", 4, "82 05 0001 0001'a'", /beyond the packet's end/],
  ["an empty filter", 4, "82 05 0001 0000 00", /MQTT-4\.7\.3-1/],
  ["# before the last level", 4, "82 08 0001 0003'#/a' 00", /MQTT-4\.7\.1-2/],
  ["# that is not a whole level", 4, "82 07 0001 0002'a#' 00", /MQTT-4\.7\.1-2/],
  ["+ that is not a whole level", 4, "82 09 0001 0004'a/+b' 00", /MQTT-4\.7\.1-3/],
  ["+ behind something", 4, "82 07 0001 0002'a+' 00", /MQTT-4\.7\.1-3/],
  ["subscription QoS 3", 4, "82 06 0001 0001'a' 03", /MQTT-3-8\.3-4/],
  ["reserved subscription bits", OLD, "82 06 0001 0001'a' 04", /MQTT-3-8\.3-4/],
  ["reserved subscription bits", 5, "82 07 0001 00 0001'a' 40", /MQTT-3\.8\.3-5/],
  ["subscription QoS 3 of MQTT 5", 5, "82 07 0001 00 0001'a' 03", /QoS 3/],
  ["retain handling 3", 5, "82 07 0001 00 0001'a' 30", /retain handling 3/, "PROTOCOL_ERROR"],
  ["No Local on a shared subscription", 5, "82 10 0001 00 000A'$share/g/a' 04", /MQTT-3\.8\.3-4/, "PROTOCOL_ERROR"],
  ["a share without a name", 5, "82 0F 0001 00 0009'$share//a' 00", /MQTT-4\.8\.2-1/],
  ["a wildcard in a share name", 5, "82 10 0001 00 000A'$share/+/a' 00", /MQTT-4\.8\.2-1/],
  ["a share without a filter", 5, "82 0E 0001 00 0008'$share/g' 00", /MQTT-4\.8\.2-2/],
  ["two subscription identifiers", 5, "82 0B 0001 04 0B01 0B02 0001'a' 00", /more than once/, "PROTOCOL_ERROR"],
  ["SUBACK without a code", 4, "90 02 0001", /MQTT-3\.8\.4-5/, "PROTOCOL_ERROR"],
  ["SUBACK with code 3", 4, "90 03 0001 03", /MQTT-3\.9\.3-2/],
  ["SUBACK with a code it has not", 5, "90 04 0001 00 10", /MQTT-3\.9\.3-2/],
  ["UNSUBSCRIBE without a filter", 4, "A2 02 0001", /MQTT-3\.10\.3-2/, "PROTOCOL_ERROR"],
  ["UNSUBACK with codes before MQTT 5", OLD, "B0 03 0001 00", /behind the last field/],
  ["UNSUBACK without a code", 5, "B0 03 0001 00", /MQTT-3\.8\.4-6/, "PROTOCOL_ERROR"],
  ["UNSUBACK with a code it has not", 5, "B0 04 0001 00 01", /MQTT-3\.11\.3-2/],
  // DISCONNECT, AUTH
  ["a reason code DISCONNECT has not", 5, "E0 01 01", /MQTT-3\.14\.2-1/],
  ["a reason code AUTH has not", 5, "F0 02 01 00", /MQTT-3\.15\.2-1/],
  ["AUTH without a property length", 5, "F0 01 18", /beyond the packet's end/],
  // Properties
  ["a property twice", 5, "E0 0C 00 0A 11 00000001 11 00000001", /more than once/, "PROTOCOL_ERROR"],
  ["a property of another packet", 5, "E0 05 00 03 21 0001", /2\.2\.2\.2/],
  ["an unknown property", 5, "E0 04 00 02 7F 00", /2\.2\.2\.2/],
  [
    "a property that goes on beyond the properties",
    5,
    "30 07 0001'a' 02 23 0001",
    /goes on beyond the properties' end/,
  ],
  ["properties that go on beyond the packet", 5, "E0 02 00 05", /beyond the packet's end/],
  ["a property length longer than it needs", 5, "E0 03 00 80 00", /MQTT-1\.5\.5-1/],
  ["a property length of 5 bytes", 5, "E0 06 00 80808080 01", /more than 4 bytes/],
];

for (const [what, versions, written, says, code = "MALFORMED"] of ROWS) {
  for (const version of [versions].flat()) {
    test(`refused in version ${version}: ${what}`, () => {
      const bytes = bytesOf(written);
      const refused = (error: unknown): boolean =>
        error instanceof MqttError && error.code === code && says.test(error.message);
      assert.throws(() => decode(version, bytes), refused);
      // Split before its last byte it is refused by the way of packets that come in parts.
      assert.throws(() => decode(version, ...Array.from(bytes, (byte) => Uint8Array.of(byte))), refused);
    });
  }
}

test("the reason code that answers", () => {
  const reason = (version: ProtocolVersion, written: string): number | undefined => {
    try {
      decode(version, bytesOf(written));
    } catch (error) {
      return error instanceof MqttError ? error.reasonCode : undefined;
    }
    return undefined;
  };
  assert.equal(reason(5, "00 00"), 0x81);
  assert.equal(reason(5, "40 02 0000"), 0x82);
  assert.equal(reason(5, "10 0C 0004'MQTT' 06 02 0000 0000"), 0x84);
  assert.equal(reason(5, "30 FFFFFF7F"), 0x95);
  assert.equal(reason(5, "30 07 0001'a' 03 23 0000"), 0x94);
});
