import assert from "node:assert/strict";
import { test } from "node:test";
import { MqttError, type Packet, PacketReader } from "../../../../src/protocols/mqtt/index.js";
import { bytesOf, encode } from "./bytes.js";

const PUBLISH: Packet = { kind: "publish", topic: "a", payload: bytesOf("'xyz'"), qos: 0, retain: false, dup: false };

function reading(maxPacketBytes: number): { reader: PacketReader; packets: Packet[] } {
  const packets: Packet[] = [];
  const reader = new PacketReader({ version: 4, maxPacketBytes, receive: (packet) => packets.push(packet) });
  return { reader, packets };
}

function code(act: () => void): string | undefined {
  try {
    act();
  } catch (error) {
    return error instanceof MqttError ? error.code : String(error);
  }
  return undefined;
}

test("a packet of just the bound is read, one byte more is refused at its header, before it is there", () => {
  const bytes = encode(4, PUBLISH);
  const fits = reading(bytes.length);
  fits.reader.push(bytes);
  assert.deepEqual(fits.packets, [PUBLISH]);
  const over = reading(bytes.length - 1);
  assert.equal(
    code(() => over.reader.push(bytes.subarray(0, 2))),
    "TOO_LARGE",
  );
  assert.equal(over.reader.pending, 0);
});

test("in parts the header is refused just as early", () => {
  const { reader } = reading(1000);
  reader.push(bytesOf("30 80"));
  assert.equal(
    code(() => reader.push(bytesOf("80"))),
    undefined,
  );
  assert.equal(
    code(() => reader.push(bytesOf("01"))),
    "TOO_LARGE",
  );
});

test("a length that is only claimed costs nothing", () => {
  const readers = Array.from({ length: 100 }, () => reading(256 * 1024 * 1024).reader);
  const before = process.memoryUsage().arrayBuffers;
  for (const reader of readers) reader.push(bytesOf("30 FFFFFF3F 0001'a' 00"));
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
  for (const reader of readers) assert.equal(reader.pending, 9);
});

test("packets before a bad one come out, nothing after it, and each later push throws the same", () => {
  const { reader, packets } = reading(1000);
  const good = encode(4, PUBLISH);
  const bad = Buffer.concat([good, bytesOf("00 00"), good]);
  let first: unknown;
  assert.throws(
    () => reader.push(bad),
    (error) => {
      first = error;
      return error instanceof MqttError;
    },
  );
  assert.deepEqual(packets, [PUBLISH]);
  assert.throws(
    () => reader.push(good),
    (error) => error === first,
  );
  assert.deepEqual(packets, [PUBLISH]);
});

test("what receive throws comes out of push and ends the reader", () => {
  const wrong = new Error("a second CONNECT");
  let calls = 0;
  const reader = new PacketReader({
    version: 4,
    maxPacketBytes: 1000,
    receive: () => {
      calls++;
      throw wrong;
    },
  });
  const both = Buffer.concat([encode(4, PUBLISH), encode(4, PUBLISH)]);
  assert.throws(
    () => reader.push(both),
    (error) => error === wrong,
  );
  assert.throws(
    () => reader.push(both),
    (error) => error === wrong,
  );
  assert.equal(calls, 1);
});

test("a payload is a view of the chunk it came in whole, and of bytes of its own where it came in parts", () => {
  const { reader, packets } = reading(1000);
  const chunk = encode(4, PUBLISH);
  const payloads = (): Uint8Array[] => packets.map((packet) => (packet.kind === "publish" ? packet.payload : chunk));
  reader.push(chunk);
  reader.push(chunk.subarray(0, 4));
  reader.push(chunk.subarray(4));
  reader.push(chunk.subarray(0, 4));
  reader.push(chunk.subarray(4));
  chunk.fill(0);
  assert.deepEqual(payloads(), [bytesOf("000000"), bytesOf("'xyz'"), bytesOf("'xyz'")]);
});

test("a CONNECT that is refused has given its version, for the answer", () => {
  const { reader } = reading(1000);
  assert.throws(() => reader.push(bytesOf("10 0F 0004'MQTT' 05 02 0000 02 17 02 0000")), MqttError);
  assert.equal(reader.version, 5);
});

test("the version set is the one that reads", () => {
  const { reader, packets } = reading(1000);
  reader.version = 5;
  reader.push(bytesOf("30 04 0001'a' 00"));
  reader.version = 4;
  reader.push(bytesOf("30 04 0001'a' 00"));
  const sizes = packets.map((packet) => (packet.kind === "publish" ? packet.payload.length : -1));
  assert.deepEqual(sizes, [0, 1]);
});

test("a large packet in small chunks is not copied once for each", () => {
  const payload = new Uint8Array(4 * 1024 * 1024).fill(1);
  const packet: Packet = { ...PUBLISH, payload };
  const bytes = encode(4, packet);
  const { reader, packets } = reading(bytes.length);
  const began = process.cpuUsage().user;
  for (let at = 0; at < bytes.length; at += 64) reader.push(bytes.subarray(at, at + 64));
  // Copied each time it would be 128 GiB: half a minute. In µs.
  assert.ok(process.cpuUsage().user - began < 3_000_000);
  assert.deepEqual(packets, [packet]);
});

test("what only the other side sends is refused unread, sound or not", () => {
  const connack: Packet = { kind: "connack", sessionPresent: false, reasonCode: 0 };
  for (const [from, foreign] of [
    ["client", [encode(4, connack), Buffer.from([0x2f, 1, 9]), Buffer.from([0xd0, 0]), Buffer.from([0x90, 0])]],
    ["server", [encode(4, { kind: "pingreq" }), Buffer.from([0x80, 0]), Buffer.from([0x1f, 0])]],
  ] as const) {
    for (const bytes of foreign) {
      const packets: Packet[] = [];
      const receive = (packet: Packet): void => void packets.push(packet);
      const reader = new PacketReader({ version: 4, from, maxPacketBytes: 100, receive });
      reader.push(encode(4, PUBLISH));
      assert.equal(
        code(() => reader.push(bytes)),
        "PROTOCOL_ERROR",
      );
      assert.deepEqual(packets, [PUBLISH]);
    }
  }
});
