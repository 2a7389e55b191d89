/**
 * Why Weir fails what it fails: the test, or SUITE-TEST and part as `msg_sequence_test: PART`, each to a sentence. A star at
 * the end stands for any rest. A failure without an explanation fails the run.
 */
export const EXPLANATIONS: Readonly<Record<string, string>> = {
  // Eclipse
  test_subscribe_failure: "Wants 0x80; access rules answer 0x87, Not authorized (MQTT 5 table 3-8).",

  // mosquitto: what the standard says otherwise
  "07-will-delay":
    "Wants a delayed will of a session that ends with its connection; it is sent when the session ends (MQTT 5 3.1.3.2.2), as Eclipse's test_will_delay wants.",
  "07-will-delay-reconnect": "The same as 07-will-delay.",
  "07-will-delay-recover":
    "Wants no will where a clean start ends the session; a session that ends sends its will (MQTT 5 3.1.2.5, 3.1.3.2.2).",
  "07-will-takeover":
    "Wants no will where a session that is kept is taken over; without a delay it is sent (MQTT-3.1.2-8, MQTT 5 3.1.4).",
  "12-prop-maximum-packet-size-publish-qos1":
    "Counts a packet without its first byte: its PUBLISH of 21 bytes does not fit into 20 (MQTT 5 3.1.2.11.4).",
  "12-prop-maximum-packet-size-publish-qos2": "The same as -qos1.",
  "07-will-properties":
    "Wants the order of different properties; only that of user properties is kept (MQTT-3.1.3-10).",
  "02-subpub-qos2":
    "Wants PUBREC before the message comes back to its sender; it is carried on at PUBLISH, which is allowed (MQTT 4.3.3, method B).",
  "04-retain-clear-multiple":
    "Wants retained messages of several topics in the order of their levels; the standard has none.",
  "13-malformed-subscribe-v5": "Wants 0x81 for packet id 0; it is refused with 0x82, Protocol Error.",
  "13-malformed-unsubscribe-v5": "The same as 13-malformed-subscribe-v5.",

  // mosquitto: its own ways
  "01-connect-max-keepalive":
    "Wants 3.1.1 clients refused for their keep alive; only MQTT 5 clients can be told another, the others keep theirs.",
  "01-connect-uname-no-password-denied":
    "Wants return code 5; a wrong user name or password is 4 (MQTT 3.1.1 table 3.1).",
  "01-connect-uname-password-denied": "Wants return code 5; a wrong user name or password is 4 (MQTT 3.1.1 table 3.1).",
  "01-connect-uname-password-denied-no-will":
    "Wants return code 5; a wrong user name or password is 4 (MQTT 3.1.1 table 3.1).",
  "03-publish-dollar-v5": "mosquitto lets its bridges publish $SYS/broker/connection/+/state.",
  "03-publish-qos2-dup":
    "Wants a client cut off that sends a QoS 2 message for the third time; each is answered with PUBREC.",
  "07-will-control": "$CONTROL is mosquitto's own.",
  "09-acl-access-variants": "mosquitto grants subscriptions from which nothing will come; here they are refused.",
  "09-acl-change": "The same as 09-acl-access-variants.",
  "09-acl-empty-file": "The same as 09-acl-access-variants.",

  // mosquitto's sequences of bytes, each with the answer it wants
  "msg_sequence_test: v3.1 CONNECT 14*": "mosquitto takes flags in the fixed header of a 3.1 CONNECT.",
  "msg_sequence_test: v5.0 SUBSCRIBE*":
    "Wants 0x81 for retain handling 3, subscription identifier 0 and no filter at all; each is 0x82, Protocol Error (MQTT 5 3.8.2.1.2, 3.8.3).",
  "msg_sequence_test: v5.0 UNSUBSCRIBE*":
    "Wants 0x81 for no filter at all; it is 0x82, Protocol Error (MQTT 5 3.10.3).",
  "msg_sequence_test: v5.0 SUBACK*": "Wants 0x81 where flags are set; refused unread with 0x82.",
  "msg_sequence_test: v5.0 UNSUBACK*": "Wants 0x81 where flags are set; refused unread with 0x82.",
  "msg_sequence_test: v5.0 PINGRESP*": "Wants no DISCONNECT; it is refused with 0x82.",
  "msg_sequence_test: v5.0 PINGREQ*": "Wants no DISCONNECT; it is refused with 0x81 (MQTT 5 4.13.1).",
  "msg_sequence_test: v5.0 FORBIDDEN*":
    "Wants 0x82 for packet type 0; a reserved type is malformed, 0x81 (MQTT 5 table 2-1, 1.2).",
  "msg_sequence_test: v5.0 AUTH*": "Wants 0x82 before the flags are looked at; wrong flags are 0x81 (MQTT-3.15.1-1).",
  "msg_sequence_test: v5.0 PUBLISH ALLOWED PROPERTIES*":
    "Takes a subscription identifier from a client, which MQTT-3.3.4-6 forbids, or wants 0x82 for what is malformed.",
  "msg_sequence_test: v5.0 PUBLISH DISALLOWED PROPERTIES*":
    "Wants 0x82 for a property of another packet; it is malformed, 0x81 (MQTT 5 2.2.2.2).",
  "msg_sequence_test: v5.0 PUBACK*": "The same for PUBACK; a reason code that it does not have is malformed too.",
  "msg_sequence_test: v5.0 PUBREC*": "The same for PUBREC.",
  "msg_sequence_test: v5.0 PUBREL*": "The same for PUBREL.",
  "msg_sequence_test: v5.0 PUBCOMP*": "The same for PUBCOMP.",
  "msg_sequence_test: v5.0 DISCONNECT*":
    "Wants no answer to a DISCONNECT that is malformed; it is told so (MQTT 5 4.13.1).",
  "msg_sequence_test: v5.0 PUBLISH 30 topic 0*":
    "Wants 0x81 for an empty topic without an alias; it is 0x82 (MQTT 5 3.3.2.1).",
};

/** The explanation of a test, or of a part of it. */
export function explain(
  explanations: Readonly<Record<string, string>>,
  test: string,
  part?: string,
): string | undefined {
  const name = part === undefined ? test : `${test}: ${part}`;
  const exact = Object.hasOwn(explanations, name) ? explanations[name] : undefined;
  if (exact !== undefined) return exact;
  const pattern = Object.keys(explanations).find((key) => key.endsWith("*") && name.startsWith(key.slice(0, -1)));
  return pattern === undefined ? undefined : explanations[pattern];
}
