/** Bytes in, bytes out: what the standards leave no choice in, and where the suites of others are exact. */
import { type TestContext, test } from "node:test";
import type { Limits } from "../../src/broker/limits.js";
import { startBroker, usualLimits } from "../support/broker.js";
import { connectPacket, openWire, publishPacket, subscribePacket, type Wire } from "../support/wire.js";

const C = connectPacket;
const S = subscribePacket;
const P = publishPacket;
/** Answers to CONNECT of a broker with these limits. */
const LIMITS = { receiveMaximum: 20, topicAliases: 10, packetSize: 268_435_460, inFlight: 20 };
const GRANTED = "22 00 0A 21 00 14";
const OK5 = `20 09 00 00 06 ${GRANTED}`;
const PRESENT5 = `20 09 01 00 06 ${GRANTED}`;
const KEPT = "11 00 00 00 64";

/** `A> bytes` sends on connection A (which opens with it), `A< bytes` expects, `A.` is quiet, `A!` is closed, `A/` drops it. */
type Row = readonly [name: string, steps: readonly string[], limits?: Partial<Limits> | undefined];

async function run(t: TestContext, steps: readonly string[], limits: Partial<Limits> | undefined): Promise<void> {
  const broker = await startBroker(t, { limits: { ...usualLimits, ...LIMITS, ...limits } });
  const wires = new Map<string, Wire>();
  for (const step of steps) {
    const [name = "", what, bytes = ""] = [step[0], step[1], step.slice(2)];
    let wire = wires.get(name);
    if (wire === undefined) {
      wire = await openWire(t, broker.port);
      wires.set(name, wire);
    }
    if (what === ">") wire.send(bytes);
    else if (what === "<") await wire.expect(bytes);
    else if (what === ".") await wire.quiet();
    else if (what === "!") await wire.closed();
    else if (what === "/") {
      await wire.drop();
      wires.delete(name);
    } else throw new Error(`what is ${step}?`);
  }
}

/** A is let in as 5 and then sends this; it is told why and closed. */
const violation = (name: string, bytes: string, code: string): Row => [
  `5: ${name}: DISCONNECT ${code} without properties`,
  [`A>${C(5, "a")}`, `A<${OK5}`, `A>${bytes}`, `A<E0 01 ${code}`, "A!"],
];
const closes = (version: 3 | 4, name: string, bytes: string): Row => [
  `${version === 3 ? "3.1" : "3.1.1"}: ${name}: closed without a word`,
  [`A>${C(version, "a")}`, "A<20 02 00 00", `A>${bytes}`, "A!"],
];

const ROWS: readonly Row[] = [
  // CONNECT and CONNACK
  [
    "5: CONNACK has Topic Alias Maximum and Receive Maximum, in this order, and nothing that is the default",
    [`A>${C(5, "a")}`, `A<${OK5}`, "A."],
  ],
  [
    "5: CONNACK with everything, in mosquitto's order",
    [`A>${C(5, "", { keepAlive: 120 })}`, "A<20 3D 00 00 3A 13 00 3C 22 00 0A 12 00 29 'auto-'"],
    { keepAlive: 60_000, packetSize: 30 },
  ],
  [
    "5: a refused CONNECT has an empty property list",
    [`A>${C(5, "a", { properties: "15 00 01 'x'" })}`, "A<20 03 00 8C 00", "A!"],
  ],
  [
    "3.1.1: an empty client id with a session that lasts is refused",
    [`A>${C(4, "", { clean: false })}`, "A<20 02 00 02", "A!"],
  ],
  ["3.1.1: an empty client id with a clean session is let in", [`A>${C(4, "")}`, "A<20 02 00 00", "A."]],
  ["3.1: an empty client id is refused", [`A>${C(3, "")}`, "A<20 02 00 02", "A!"]],
  [
    "an unknown version is told so as 3.1.1 says it",
    ["A>10 0D 00 04 'MQTT' 06 02 00 00 00 01 'a'", "A<20 02 00 01", "A!"],
  ],
  ["a packet before CONNECT closes without a word", ["A>C0 00", "A!"]],
  ["5: a second CONNECT ends the connection", [`A>${C(5, "a")}${C(5, "a")}`, `A<${OK5}`, "A<E0 01 82", "A!"]],
  ["3.1.1: a second CONNECT ends the connection", [`A>${C(4, "a")}${C(4, "a")}`, "A<20 02 00 00", "A!"]],
  [
    "CONNECT, SUBSCRIBE, PUBLISH and PINGREQ in one write are answered in their order",
    [
      `A>${C(4, "a")}${S(4, 1, "a", "01")}${P(4, "32", "a", "1", 7)}C0 00`,
      "A<20 02 00 00",
      "A<90 03 00 01 01",
      `A<${P(4, "32", "a", "1", 1)}`,
      "A<40 02 00 07",
      "A<D0 00",
    ],
  ],
  ["5: a CONNACK larger than the client takes is not sent", [`A>${C(5, "a", { properties: "27 00 00 00 02" })}`, "A!"]],
  // What is not allowed
  violation("a reserved flag", "C1 00", "81"),
  violation("a packet that only a server sends", "20 03 00 00 00", "82"),
  violation("packet id 0 in PUBLISH", P(5, "32", "a", "1", 0), "82"),
  violation("QoS 3", P(5, "36", "a", "1", 1), "81"),
  violation("DUP at QoS 0", P(5, "38", "a", "1"), "81"),
  violation("U+0000 in a topic", "30 06 00 03 'a' 00 'b' 00", "81"),
  violation("a surrogate in a topic", "30 06 00 03 ED A0 80 00", "81"),
  violation("a wildcard in a topic", P(5, "30", "a/+", "1"), "81"),
  violation("an unknown topic alias", "30 06 00 00 03 23 00 03", "82"),
  violation("a topic alias beyond the maximum", P(5, "30", "a", "1", undefined, "23 00 0B"), "94"),
  violation("topic alias 0", P(5, "30", "a", "1", undefined, "23 00 00"), "94"),
  violation("a property twice", P(5, "30", "a", "1", undefined, "01 00 01 00"), "82"),
  violation("Payload Format Indicator 2", P(5, "30", "a", "1", undefined, "01 02"), "82"),
  violation("no filter", "82 03 00 01 00", "82"),
  violation("a bad filter", S(5, 1, "#/a"), "81"),
  violation("retain handling 3", S(5, 1, "a", "30"), "82"),
  violation("No Local for a shared subscription", S(5, 1, "$share/g/a", "04"), "82"),
  [
    "5: a packet that is too large: DISCONNECT 95 without properties",
    [
      `A>${C(5, "a")}`,
      `A<20 0E 00 00 0B 22 00 0A 27 00 00 00 3C 21 00 14`,
      `A>${P(5, "30", "a", "x".repeat(96))}`,
      "A<E0 01 95",
      "A!",
    ],
    { packetSize: 60 },
  ],
  violation("a DISCONNECT that gives a session an expiry that it did not have", "E0 07 00 05 11 00 00 00 01", "82"),
  violation("AUTH without a method", "F0 02 18 00", "82"),
  closes(4, "a reserved flag", "C1 00"),
  closes(4, "packet id 0", P(4, "32", "a", "1", 0)),
  closes(4, "an invalid topic", "30 05 00 03 ED A0 80"),
  closes(4, "a filter with U+0000", "82 08 00 01 00 03 'a' 00 'b' 00"),
  closes(4, "no filter in UNSUBSCRIBE", "A2 02 00 01"),
  closes(4, "a wildcard in a topic", P(4, "30", "a/#", "1")),
  closes(4, "a server's packet", "90 03 00 01 00"),
  closes(4, "a remaining length of 5 bytes", "30 FF FF FF FF 7F"),
  closes(4, "an acknowledgement that is too short", "40 01 00"),
  closes(3, "a reserved flag", "C1 00"),
  [
    "3.1.1: CONNECT with bytes behind it closes without a word",
    ["A>10 0E 00 04 'MQTT' 04 02 00 00 00 01 'a' 00", "A!"],
  ],
  [
    "3.1.1: a password without a user name closes without a word",
    ["A>10 10 00 04 'MQTT' 04 42 00 00 00 01 'a' 00 01 'p'", "A!"],
  ],
  ["3.1.1: will flags without a will close without a word", ["A>10 0D 00 04 'MQTT' 04 22 00 00 00 01 'a'", "A!"]],
  [
    "5: a will with an empty topic closes without a word",
    ["A>10 13 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 00 00 01 'x'", "A!"],
  ],
  // Acknowledgements
  [
    "5: PUBACK says that nobody subscribed",
    [`A>${C(5, "a")}`, `A<${OK5}`, `A>${P(5, "32", "a", "1", 1)}`, "A<40 03 00 01 10"],
  ],
  [
    "5: PUBREC does not",
    [`A>${C(5, "a")}`, `A<${OK5}`, `A>${P(5, "34", "a", "1", 1)}`, "A<50 02 00 01", "A>62 02 00 01", "A<70 02 00 01"],
  ],
  [
    "5: the publisher alone with No Local counts as a subscriber, and gets nothing",
    [
      `A>${C(5, "a")}${S(5, 1, "a", "05")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 01",
      `A>${P(5, "32", "a", "1", 1)}`,
      "A<40 02 00 01",
      "A.",
    ],
  ],
  [
    "answers to nothing keep the connection: PUBREC gets PUBREL, PUBREL gets PUBCOMP",
    [
      `A>${C(4, "a")}`,
      "A<20 02 00 00",
      "A>40 02 00 09 70 02 00 09 50 02 00 09 62 02 00 09",
      "A<62 02 00 09 70 02 00 09",
      "A.",
    ],
  ],
  [
    "5: PUBCOMP for an unknown id has no reason",
    [`A>${C(5, "a")}`, `A<${OK5}`, "A>62 03 00 09 92", "A<70 02 00 09", "A."],
  ],
  ...(["40 02 00 01", "70 02 00 01"] as const).map(
    (wrong): Row => [
      `5: ${wrong} where PUBREC is due: DISCONNECT 82`,
      [
        `A>${C(5, "a")}${S(5, 1, "a", "02")}${P(5, "34", "a", "1", 1)}`,
        `A<${OK5}`,
        "A<90 04 00 01 00 02",
        `A<${P(5, "34", "a", "1", 1)}`,
        "A<50 02 00 01",
        `A>${wrong}`,
        "A<E0 01 82",
        "A!",
      ],
    ],
  ),
  [
    "3.1.1: PUBREC for a QoS 1 message closes",
    [
      `A>${C(4, "a")}${S(4, 1, "a", "01")}${P(4, "32", "a", "1", 1)}`,
      "A<20 02 00 00 90 03 00 01 01",
      `A<${P(4, "32", "a", "1", 1)}`,
      "A<40 02 00 01",
      "A>50 02 00 01",
      "A!",
    ],
  ],
  [
    "a second PUBREC gets PUBREL again",
    [
      `A>${C(4, "a")}${S(4, 1, "a", "02")}${P(4, "34", "a", "1", 1)}`,
      "A<20 02 00 00 90 03 00 01 02",
      `A<${P(4, "34", "a", "1", 1)}`,
      "A<50 02 00 01",
      "A>50 02 00 01 50 02 00 01",
      "A<62 02 00 01 62 02 00 01",
      "A.",
    ],
  ],
  [
    "5: a PUBREC that refuses ends it: no PUBREL, and the next is sent",
    [
      `A>${C(5, "a", { properties: "21 00 01" })}${S(5, 1, "a", "02")}${P(5, "34", "a", "1", 1)}${P(5, "34", "a", "2", 2)}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 02",
      `A<${P(5, "34", "a", "1", 1)}`,
      "A<50 02 00 01 50 02 00 02",
      "A>50 03 00 01 80",
      `A<${P(5, "34", "a", "2", 2)}`,
      "A.",
    ],
  ],
  // QoS 2 of the client again, before and after PUBREC
  [
    "a QoS 2 message that is sent again before PUBREL is delivered once, and PUBREC comes again",
    [
      `B>${C(4, "b")}${S(4, 1, "a")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(4, "a", { clean: false })}${P(4, "34", "a", "1", 1)}`,
      "A<20 02 00 00 50 02 00 01",
      "A/",
      `A>${C(4, "a", { clean: false })}${P(4, "3C", "a", "1", 1)}`,
      "A<20 02 01 00 50 02 00 01",
      "A>62 02 00 01",
      "A<70 02 00 01",
      `A>${P(4, "34", "a", "2", 1)}`,
      "A<50 02 00 01",
      `B<${P(4, "30", "a", "1")}${P(4, "30", "a", "2")}`,
      "B.",
    ],
  ],
  [
    "PUBREL again on another connection gets PUBCOMP",
    [
      `A>${C(4, "a", { clean: false })}${P(4, "34", "a", "1", 1)}`,
      "A<20 02 00 00 50 02 00 01",
      "A>62 02 00 01",
      "A<70 02 00 01",
      "A/",
      `A>${C(4, "a", { clean: false })}62 02 00 01`,
      "A<20 02 01 00 70 02 00 01",
    ],
  ],
  // Redelivery
  [
    "3.1.1: PUBLISH goes again with DUP and its id",
    [
      `A>${C(4, "a", { clean: false })}${S(4, 1, "a", "01")}`,
      "A<20 02 00 00 90 03 00 01 01",
      `B>${C(4, "b")}${P(4, "32", "a", "1", 1)}`,
      "B<20 02 00 00 40 02 00 01",
      `A<${P(4, "32", "a", "1", 1)}`,
      "A/",
      `A>${C(4, "a", { clean: false })}`,
      "A<20 02 01 00",
      `A<${P(4, "3A", "a", "1", 1)}`,
      "A>40 02 00 01",
      "A.",
      `B>${P(4, "32", "a", "2", 2)}`,
      `A<${P(4, "32", "a", "2", 2)}`,
    ],
  ],
  [
    "after PUBREC PUBREL goes again, without DUP, and before what is new",
    [
      `A>${C(5, "a", { properties: KEPT })}${S(5, 1, "a", "02")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 02",
      `B>${C(4, "b")}${P(4, "34", "a", "1", 1)}`,
      "B<20 02 00 00 50 02 00 01",
      `A<${P(5, "34", "a", "1", 1)}`,
      "A>50 02 00 01",
      "A<62 02 00 01",
      "A/",
      `B>${P(4, "34", "a", "2", 2)}`,
      "B<50 02 00 02",
      `A>${C(5, "a", { clean: false, properties: KEPT })}`,
      `A<${PRESENT5}`,
      `A<62 02 00 01 ${P(5, "34", "a", "2", 2)}`,
    ],
  ],
  [
    "session present without any subscription",
    [`A>${C(4, "a", { clean: false })}`, "A<20 02 00 00", "A/", `A>${C(4, "a", { clean: false })}`, "A<20 02 01 00"],
  ],
  [
    "3.1 has no session present",
    [`A>${C(3, "a", { clean: false })}`, "A<20 02 00 00", "A/", `A>${C(3, "a", { clean: false })}`, "A<20 02 00 00"],
  ],
  [
    "a clean start ends the kept session",
    [
      `A>${C(4, "a", { clean: false })}${S(4, 1, "a")}`,
      "A<20 02 00 00 90 03 00 01 00",
      "A/",
      `A>${C(4, "a")}`,
      "A<20 02 00 00",
      `A>${P(4, "30", "a", "1")}`,
      "A.",
    ],
  ],
  [
    "messages for a client that is away wait for it: QoS 1 and 2, not 0",
    [
      `A>${C(4, "a", { clean: false })}${S(4, 1, "a", "02")}`,
      "A<20 02 00 00 90 03 00 01 02",
      "A/",
      `B>${C(4, "b")}${P(4, "30", "a", "0")}${P(4, "32", "a", "1", 1)}${P(4, "34", "a", "2", 2)}`,
      "B<20 02 00 00 40 02 00 01 50 02 00 02",
      `A>${C(4, "a", { clean: false })}`,
      "A<20 02 01 00",
      `A<${P(4, "32", "a", "1", 1)}${P(4, "34", "a", "2", 2)}`,
    ],
  ],
  // Takeover
  [
    "5: the older connection of a client id is told 8E",
    [`A>${C(5, "a")}`, `A<${OK5}`, `B>${C(5, "a")}`, `B<${OK5}`, "A<E0 01 8E", "A!"],
  ],
  [
    "3.1.1: the older connection of a client id is closed",
    [`A>${C(4, "a")}`, "A<20 02 00 00", `B>${C(4, "a")}`, "B<20 02 00 00", "A!", "B."],
  ],
  // Receive maximum
  [
    "5: no more than the client's Receive Maximum are on their way; PUBCOMP gives it back",
    [
      `A>${C(5, "a", { properties: "21 00 01" })}${S(5, 1, "a", "02")}${P(5, "34", "a", "1", 1)}${P(5, "34", "a", "2", 2)}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 02",
      `A<${P(5, "34", "a", "1", 1)}`,
      "A<50 02 00 01 50 02 00 02",
      "A>50 02 00 01",
      "A<62 02 00 01",
      "A.",
      "A>70 02 00 01",
      `A<${P(5, "34", "a", "2", 2)}`,
    ],
  ],
  [
    "5: more QoS 2 messages than the broker's Receive Maximum: DISCONNECT 93",
    [
      `A>${C(5, "a")}${P(5, "34", "a", "1", 1)}${P(5, "34", "a", "1", 2)}${P(5, "34", "a", "1", 3)}`,
      "A<20 09 00 00 06 22 00 0A 21 00 02",
      "A<50 02 00 01 50 02 00 02",
      "A<E0 01 93",
      "A!",
    ],
    { receiveMaximum: 2 },
  ],
  [
    "5: the same ones again after a reconnection are not more",
    [
      `A>${C(5, "a", { properties: KEPT })}${P(5, "34", "a", "1", 1)}${P(5, "34", "a", "1", 2)}`,
      "A<20 09 00 00 06 22 00 0A 21 00 02",
      "A<50 02 00 01 50 02 00 02",
      "A/",
      `A>${C(5, "a", { clean: false, properties: KEPT })}${P(5, "3C", "a", "1", 1)}${P(5, "3C", "a", "1", 2)}`,
      "A<20 09 01 00 06 22 00 0A 21 00 02",
      "A<50 02 00 01 50 02 00 02",
      "A.",
    ],
    { receiveMaximum: 2 },
  ],
  [
    "3.1.1 has no Receive Maximum: nobody is cut off for what it does not know",
    [
      `A>${C(4, "a")}${[1, 2, 3, 4].map((id) => P(4, "34", "a", "1", id)).join("")}`,
      "A<20 02 00 00",
      "A<50 02 00 01 50 02 00 02 50 02 00 03 50 02 00 04",
      "A.",
    ],
    { receiveMaximum: 2 },
  ],
  // Maximum packet size
  [
    "5: a message larger than the client takes is not sent, has spent its id, and PUBACK is 0",
    [
      `A>${C(5, "a", { properties: "27 00 00 00 14" })}${S(5, 1, "a", "01")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 01",
      `A>${P(5, "32", "a", "x".repeat(30), 1)}${P(5, "32", "a", "y", 2)}`,
      "A<40 02 00 01",
      `A<${P(5, "32", "a", "y", 2)}`,
      "A<40 02 00 02",
      "A>40 02 00 02",
      "A.",
    ],
  ],
  [
    "5: an alias that was to be set by a message that was too large is not used",
    [
      `A>${C(5, "a", { properties: "27 00 00 00 14 22 00 05" })}${S(5, 1, "a", "00")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A>${P(5, "30", "a", "x".repeat(30))}${P(5, "30", "a", "y")}`,
      `A<${P(5, "30", "a", "y", undefined, "23 00 01")}`,
      "A.",
    ],
  ],
  // Topic aliases
  [
    "5: the client's aliases are taken, and do not go on",
    [
      `A>${C(5, "a")}${S(5, 1, "a")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A>${P(5, "30", "a", "1", undefined, "23 00 03")}${P(5, "30", "", "2", undefined, "23 00 03")}`,
      `A<${P(5, "30", "a", "1")}${P(5, "30", "a", "2")}`,
    ],
  ],
  [
    "5: an alias is gone with its connection",
    [
      `A>${C(5, "a")}${P(5, "30", "a", "1", undefined, "23 00 03")}`,
      `A<${OK5}`,
      "A/",
      `A>${C(5, "a")}${P(5, "30", "", "1", undefined, "23 00 03")}`,
      `A<${OK5}`,
      "A<E0 01 82",
      "A!",
    ],
  ],
  [
    "5: towards a client that takes one alias the first topic has it",
    [
      `A>${C(5, "a", { properties: "22 00 01" })}${S(5, 1, "+")}${P(5, "30", "a", "1")}${P(5, "30", "b", "2")}${P(5, "30", "a", "3")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A<${P(5, "30", "a", "1", undefined, "23 00 01")}${P(5, "30", "b", "2")}${P(5, "30", "", "3", undefined, "23 00 01")}`,
    ],
  ],
  // Retained
  [
    "a retained message has the lower of both QoS, and the mark",
    [
      `A>${C(4, "a")}${P(4, "35", "a/b", "1", 1)}`,
      "A<20 02 00 00 50 02 00 01",
      `A>${S(4, 1, "a/+", "01")}`,
      "A<90 03 00 01 01",
      `A<${P(4, "33", "a/b", "1", 1)}`,
    ],
  ],
  [
    "a retained message below an empty level is found by +",
    [
      `A>${C(4, "a")}${P(4, "31", "a//b", "1")}${S(4, 1, "a/+/b")}`,
      "A<20 02 00 00 90 03 00 01 00",
      `A<${P(4, "31", "a//b", "1")}`,
    ],
  ],
  [
    "an empty payload takes it away, and goes to those who are there without the mark",
    [
      `A>${C(4, "a")}${P(4, "31", "a", "1")}${S(4, 1, "a")}`,
      "A<20 02 00 00 90 03 00 01 00",
      `A<${P(4, "31", "a", "1")}`,
      `A>${P(4, "31", "a", "")}`,
      `A<${P(4, "30", "a", "")}`,
      `A>${S(4, 2, "a")}`,
      "A<90 03 00 02 00",
      "A.",
    ],
  ],
  ...(
    [
      ["00", true, true],
      ["10", true, false],
      ["20", false, false],
    ] as const
  ).map(([options, first, again]): Row => {
    const retained = `A<${P(5, "31", "a", "1")}`;
    return [
      `5: retain handling ${options[0]}: at a new subscription ${first}, at the same one again ${again}`,
      [
        `A>${C(5, "a")}${P(5, "31", "a", "1")}${S(5, 1, "a", options)}`,
        `A<${OK5}`,
        "A<90 04 00 01 00 00",
        ...(first ? [retained] : []),
        `A>${S(5, 2, "a", options)}`,
        "A<90 04 00 02 00 00",
        ...(again ? [retained] : []),
        "A.",
      ],
    ];
  }),
  [
    "5: a shared subscription gets no retained messages",
    [`A>${C(5, "a")}${P(5, "31", "a", "1")}${S(5, 1, "$share/g/a")}`, `A<${OK5}`, "A<90 04 00 01 00 00", "A."],
  ],
  [
    "5: Retain As Published keeps the mark",
    [
      `A>${C(5, "a")}${S(5, 1, "a", "08")}${P(5, "31", "a", "1")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A<${P(5, "31", "a", "1")}`,
    ],
  ],
  [
    "a topic with $ in front is not found by a wildcard",
    [`A>${C(4, "a")}${S(4, 1, "#")}${P(4, "32", "$a/b", "1", 1)}`, "A<20 02 00 00 90 03 00 01 00 40 02 00 01", "A."],
  ],
  // Overlaps and groups
  [
    "overlapping subscriptions: one message, the highest QoS",
    [
      `A>${C(4, "a")}82 0C 00 01 00 03 'a/#' 02 00 01 '#' 01${P(4, "34", "a/b", "1", 1)}`,
      "A<20 02 00 00 90 04 00 01 02 01",
      `A<${P(4, "34", "a/b", "1", 1)}`,
      "A<50 02 00 01",
      "A.",
    ],
  ],
  [
    "5: overlapping subscriptions: both identifiers in one message, before its other properties",
    [
      `A>${C(5, "a")}${S(5, 1, "a", "00", "0B 02")}${S(5, 2, "a/#", "00", "0B 03")}${P(5, "30", "a", "1", undefined, "03 00 01 'j'")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00 90 04 00 02 00 00",
      `A<${P(5, "30", "a", "1", undefined, "0B 02 0B 03 03 00 01 'j'")}`,
      "A.",
    ],
  ],
  [
    "5: a shared subscription: each message to one, in turn, beginning with the first",
    [
      `A>${C(5, "a")}${S(5, 1, "$share/g/a")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `B>${C(5, "b")}${S(5, 1, "$share/g/a")}`,
      `B<${OK5}`,
      "B<90 04 00 01 00 00",
      `B>${P(5, "30", "a", "1")}${P(5, "30", "a", "2")}${P(5, "30", "a", "3")}`,
      `A<${P(5, "30", "a", "1")}${P(5, "30", "a", "3")}`,
      `B<${P(5, "30", "a", "2")}`,
      "A.",
      "B.",
    ],
  ],
  [
    "5: UNSUBACK says where there was no subscription",
    [
      `A>${C(5, "a")}${S(5, 1, "a")}A2 06 00 02 00 00 01 'a' A2 06 00 03 00 00 01 'a'`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00 B0 04 00 02 00 00 B0 04 00 03 00 11",
    ],
  ],
  [
    "5: publishing below $SYS and $share is refused",
    [
      `A>${C(5, "a")}${P(5, "32", "$SYS/a", "1", 1)}${P(5, "34", "$share/g/a", "1", 2)}`,
      `A<${OK5}`,
      "A<40 03 00 01 87 50 03 00 02 87",
    ],
  ],
  // Expiry: whole seconds that have passed are taken off
  [
    "5: a retained message goes out with what is left of its life",
    [
      `A>${C(5, "a")}${P(5, "31", "a", "1", undefined, "02 00 00 00 04")}${S(5, 1, "a")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A<${P(5, "31", "a", "1", undefined, "02 00 00 00 04")}`,
    ],
  ],
  [
    "5: user properties go on as they came, in their order",
    [
      `A>${C(5, "a")}${S(5, 1, "a")}${P(5, "30", "a", "1", undefined, "26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 01 '2' 26 00 01 'b' 00 01 '1'")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 00",
      `A<${P(5, "30", "a", "1", undefined, "26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 01 '2' 26 00 01 'b' 00 01 '1'")}`,
    ],
  ],
  // Wills
  ...(
    [
      ["A/", true],
      ["A>E0 00", false],
      ["A>E0 01 04", true],
      ["A>C1 00", true],
    ] as const
  ).map(
    ([end, comes]): Row => [
      `5: ${end}: the will ${comes ? "comes" : "does not come"}`,
      [
        `B>${C(4, "b")}${S(4, 1, "w")}`,
        "B<20 02 00 00 90 03 00 01 00",
        `A>${C(5, "a", { willFlags: 4, will: "00 00 01 'w' 00 01 '1'" })}`,
        `A<${OK5}`,
        end,
        ...(comes ? [`B<${P(4, "30", "w", "1")}`] : []),
        "B.",
      ],
    ],
  ),
  [
    "5: the will of a session that ends with its connection waits for no delay",
    [
      `B>${C(4, "b")}${S(4, 1, "w")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(5, "a", { willFlags: 4, will: "05 18 00 00 00 64 00 01 'w' 00 01 '1'" })}`,
      `A<${OK5}`,
      "A/",
      `B<${P(4, "30", "w", "1")}`,
    ],
  ],
  [
    "5: a delayed will does not come where the client is back in time",
    [
      `B>${C(4, "b")}${S(4, 1, "w")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(5, "a", { properties: KEPT, willFlags: 4, will: "05 18 00 00 00 64 00 01 'w' 00 01 '1'" })}`,
      `A<${OK5}`,
      "A/",
      `A>${C(5, "a", { clean: false, properties: KEPT })}`,
      `A<${PRESENT5}`,
      "B.",
    ],
  ],
  [
    "5: a will without delay comes when another connection takes over",
    [
      `B>${C(4, "b")}${S(4, 1, "w")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(5, "a", { willFlags: 4, will: "00 00 01 'w' 00 01 '1'" })}`,
      `A<${OK5}`,
      `D>${C(5, "a")}`,
      `D<${OK5}`,
      `B<${P(4, "30", "w", "1")}`,
      "B.",
    ],
  ],
];

for (const [name, steps, limits] of ROWS) test(name, (t) => run(t, steps, limits));

// What time brings: real seconds, so few of them.

test("keep alive: after one and a half times of silence the connection ends, and the will comes", async (t) => {
  await run(
    t,
    [
      `B>${C(4, "b")}${S(4, 1, "w")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(5, "a", { keepAlive: 1, willFlags: 4, will: "00 00 01 'w' 00 01 '1'" })}`,
      `A<${OK5}`,
      "A<E0 01 8D",
      "A!",
      `B<${P(4, "30", "w", "1")}`,
    ],
    {},
  );
});

test("a session ends when its expiry has passed, and its delayed will comes then", async (t) => {
  await run(
    t,
    [
      `B>${C(4, "b")}${S(4, 1, "w")}`,
      "B<20 02 00 00 90 03 00 01 00",
      `A>${C(5, "a", { properties: "11 00 00 00 01", willFlags: 4, will: "05 18 00 00 00 64 00 01 'w' 00 01 '1'" })}`,
      `A<${OK5}`,
      "A/",
      `B<${P(4, "30", "w", "1")}`,
      `A>${C(5, "a", { clean: false })}`,
      `A<${OK5}`,
    ],
    {},
  );
});

test("a queued message that expired has spent its packet id", async (t) => {
  await run(
    t,
    [
      `A>${C(5, "a", { properties: KEPT })}${S(5, 1, "a", "01")}`,
      `A<${OK5}`,
      "A<90 04 00 01 00 01",
      "A/",
      `B>${C(5, "b", { keepAlive: 1 })}${P(5, "32", "a", "1", 1, "02 00 00 00 01")}${P(5, "32", "a", "2", 2)}`,
      `B<${OK5}`,
      "B<40 02 00 01 40 02 00 02",
      "B<E0 01 8D",
      `A>${C(5, "a", { clean: false, properties: KEPT })}`,
      `A<${PRESENT5}`,
      `A<${P(5, "32", "a", "2", 2)}`,
    ],
    {},
  );
});
