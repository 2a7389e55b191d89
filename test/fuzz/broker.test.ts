import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { topicFault } from "../../src/broker/connection/topic-fault.js";
import type { ConnectPacket, Packet, ProtocolVersion } from "../../src/protocols/mqtt/index.js";
import { startBroker } from "../support/broker.js";
import { collect, connectClient } from "../support/mqtt.js";
import { createRandom, type Random } from "../unit/protocols/framing/specimens.js";
import { packetsOf } from "../unit/protocols/mqtt/arbitraries.js";
import { encode, VERSIONS } from "../unit/protocols/mqtt/bytes.js";

const PACKETS = 200_000;
const WARM_UP = 60_000;
/** Bytes: what the limits below let it keep may differ by so much. A hundred bytes of each packet kept are 14 MB. */
const GROWTH = 4 * 2 ** 20;
const AT_ONCE = 16;
/** ms in which a connection is answered or closed. */
const PATIENCE = 5_000;
/** An error of ours instead of one of the client's. */
const OURS =
  /undefined|not a function|Cannot |Maximum call|RangeError|TypeError|ERR_|packetId:|topic:|qos:|properties:/;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function memory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Sound packets of a version, as a client sends them. */
interface Seeds {
  readonly version: ProtocolVersion;
  readonly connects: readonly Packet[];
  readonly others: readonly Packet[];
}

function seedsOf(version: ProtocolVersion, seed: number): Seeds {
  const all = packetsOf(version);
  const sample = (kind: Packet["kind"], numRuns: number): Packet[] => {
    const arbitrary = all.get(kind);
    return arbitrary === undefined ? [] : fc.sample(arbitrary, { numRuns, seed });
  };
  const connects = sample("connect", 300).map((packet, index) => {
    const { properties, ...rest } = packet as ConnectPacket;
    const { authenticationMethod: _method, authenticationData: _data, ...others } = properties ?? {};
    const connect = { ...rest, clientId: `f${index % 40}`, keepAlive: 0 };
    return properties === undefined ? connect : { ...connect, properties: others };
  });
  const kinds = [
    "publish",
    "publish",
    "publish",
    "subscribe",
    "unsubscribe",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
  ] as const;
  const others = kinds.flatMap((kind) => sample(kind, 100));
  const near = others.filter((packet, index) => index % 20 === 0 || !faulty(packet)).map(within);
  return { version, connects, others: [...near, { kind: "pingreq" }, ...sample("disconnect", 8)] };
}

/** The broker closes for a control character in a topic. */
function faulty(packet: Packet): boolean {
  if (packet.kind === "publish") return topicFault(packet.topic) !== undefined;
  if (packet.kind === "subscribe") return packet.subscriptions.some(({ filter }) => topicFault(filter) !== undefined);
  return packet.kind === "unsubscribe" && packet.filters.some((filter) => topicFault(filter) !== undefined);
}

/** Most of what may be sent and would end the connection is left out, so that it lasts; ids are as both sides give them out. */
function within(packet: Packet, index: number): Packet {
  if (index % 20 === 0) return packet;
  const near = "packetId" in packet && index % 2 === 0 ? { ...packet, packetId: 1 + (index % 5) } : packet;
  if (near.kind !== "publish" || near.properties === undefined) return near;
  const { subscriptionIdentifiers: _identifiers, topicAlias, ...properties } = near.properties;
  if (topicAlias === undefined) return { ...near, properties };
  return { ...near, topic: near.topic || `t${index % 7}`, properties: { ...properties, topicAlias: 1 + (index % 5) } };
}

function pick<T>(from: readonly T[], random: Random): T {
  const one = from[random(from.length)];
  assert.ok(one !== undefined);
  return one;
}

/** The session's bytes: sound, or with bits, lengths, order or ends changed. */
function session({ version, connects, others }: Seeds, random: Random): { bytes: Buffer; packets: number } {
  const parts = [encode(version, pick(connects, random))];
  for (let left = 4 + random(20); left > 0; left--) parts.push(encode(version, pick(others, random)));
  const how = random(8);
  if (how === 0) parts.splice(random(parts.length), 1);
  if (how === 1) parts.splice(random(parts.length), 0, pick(parts, random));
  if (how === 2) parts.push(parts.splice(random(parts.length), 1)[0] ?? new Uint8Array(0));
  const bytes = Buffer.concat(parts);
  if (how >= 3 && how <= 5) {
    for (let changes = 1 + random(3); changes > 0; changes--) {
      // Not before CONNECT has been read, mostly.
      const at =
        random(8) === 0
          ? random(bytes.length)
          : Math.min(bytes.length - 1, (parts[0]?.length ?? 0) + random(bytes.length));
      if (how === 3) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      if (how === 4) bytes[at] = random(256);
      if (how === 5) bytes[at] = (bytes[at] ?? 0) + (random(2) === 0 ? 1 : -1);
    }
  }
  return { bytes: how === 6 ? bytes.subarray(0, random(bytes.length)) : bytes, packets: parts.length };
}

/** How the connection came to its end: `answered`, or `closed` by the broker. */
async function play(port: number, bytes: Buffer, random: Random): Promise<{ heard: Buffer; closed: boolean }> {
  const socket = connectSocket(port, "127.0.0.1");
  socket.on("error", () => {}); // its "close" follows
  const heard: Buffer[] = [];
  const pauses = random(10) === 0;
  socket.on("data", (chunk) => {
    heard.push(chunk);
    if (pauses) socket.pause();
  });
  const over = once(socket, "close");
  const ended = once(socket, "end").catch(() => {});
  await once(socket, "connect");
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const size = 1 + random(random(3) === 0 ? 5 : 4_000);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (random(4) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // A ping goes unanswered where the broker still waits for the rest of something: then it has answered before, or never will.
  socket.write(Uint8Array.of(0xc0, 0));
  const end = Date.now() + PATIENCE;
  let closed = false;
  void ended.then(() => {
    closed = true;
  });
  while (heard.length === 0 && !closed && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
  if (heard.length === 0 && !closed) throw new Error(`neither answered nor closed: ${bytes.toString("hex")}`);
  // Some say good-bye by closing, some are cut.
  if (random(2) === 0) socket.end();
  await new Promise((resolve) => setTimeout(resolve, random(3)));
  socket.destroy();
  await over;
  return { heard: Buffer.concat(heard), closed };
}

test(`${PACKETS} packets in sessions that are sound or are not: no error of ours, others served, memory flat`, async (t) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 31));
  t.diagnostic(`WEIR_SEED=${seed} repeats the sessions, though not how they meet`);
  const random = createRandom(seed);
  const ours: string[] = [];
  const events = new Map<string, number>();
  const broker = await startBroker(t, {
    limits: {
      ...{
        connectTimeout: 500,
        patience: 1_000,
        retainedMessages: 300,
        retainedSize: 2 ** 20,
        sessionExpiry: 5_000,
        sessions: 100,
      },
      ...{
        subscriptions: 20,
        queuedSize: 4 * 2 ** 20,
        queue: { messages: 200, size: 2 ** 18, whenFull: "drop-oldest" },
      },
    },
    journal: ({ event, message }) => {
      events.set(event, (events.get(event) ?? 0) + 1);
      if (event === "client_error" && OURS.test(message)) ours.push(message);
    },
  });
  const healthy = await connectClient(t, broker.urls[0], { clientId: "healthy" });
  await healthy.subscribeAsync("healthy/own", { qos: 2 });
  const { heard } = collect(healthy);
  let longest = 0;
  let rounds = 0;
  let storming = true;
  const serving = (async () => {
    while (storming) {
      const began = Date.now();
      const payload = `own ${rounds++}`;
      await healthy.publishAsync("healthy/own", payload, { qos: 2 });
      while (!heard.some((message) => message.payload === payload)) {
        assert.ok(Date.now() - began < 10_000, "the healthy client is not served");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      heard.length = 0;
      longest = Math.max(longest, Date.now() - began);
    }
  })();
  const seeds = VERSIONS.map((version) => seedsOf(version, seed));
  let sent = 0;
  let closed = 0;
  let unspecified = 0;
  const storm = async (until: number): Promise<void> => {
    const one = async (): Promise<void> => {
      while (sent < until) {
        const { bytes, packets } = session(pick(seeds, random), random);
        sent += packets;
        const ending = await play(broker.port, bytes, random);
        if (ending.closed) closed++;
        if (ending.heard.indexOf(Buffer.from([0xe0, 1, 0x80])) !== -1) unspecified++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  await storm(WARM_UP);
  const before = await memory();
  await storm(PACKETS);
  const growth = (await memory()) - before;
  storming = false;
  await serving;
  t.diagnostic(
    `${sent} packets, ${closed} connections closed, ${rounds} rounds of the healthy client, ${longest} ms at most, ${Math.round(growth / 1024)} KiB grown`,
  );
  t.diagnostic([...events].map(([event, count]) => `${event} ${count}`).join(", "));
  assert.deepEqual([...new Set(ours)].slice(0, 5), []);
  assert.ok(unspecified < 5, `${unspecified} were told 0x80 Unspecified error`);
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
  assert.ok(rounds > 50 && closed > 100, "a storm that tests nothing");
});
