import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { createServer } from "coap";
import type { Entry } from "../../../src/core/journal.js";
import type { Profile, Simulation } from "../../../src/profile/index.js";
import { type CoapPlay, type Posted, playCoap } from "../../../src/simulator/coap.js";
import { parseTarget } from "../../../src/simulator/exchange.js";
import { eventually } from "../../support/eventually.js";
import { freeUdpPort } from "../../support/ports.js";

const profile: Profile = {
  name: "generic/climate",
  vendor: "generic",
  model: "climate",
  resources: new Map([["temperature", { type: "number", unit: "Cel", access: "R" }]]),
  samples: [],
};
let ticks = 0;
const simulation: Simulation = {
  every: 5,
  values: (now) => new Map([["temperature", 20 + (now % 10)]]),
  frames: () => [],
  answer: () => undefined,
};

/** Plays until the test ends, and lets it wait for what came of it. */
function playing(t: TestContext, target: string, options: Partial<CoapPlay> = {}) {
  const posted: Posted[] = [];
  const entries: Entry[] = [];
  const stop = new AbortController();
  const ended = playCoap({
    profile,
    simulation,
    path: "air",
    target,
    now: () => ++ticks,
    signal: stop.signal,
    journal: (entry) => entries.push(entry),
    at: "air",
    onAnswer: (what) => posted.push(what),
    ...options,
  });
  const end = (): Promise<void> => {
    stop.abort();
    return ended;
  };
  t.after(end);
  return { posted, entries, end };
}

/** A server of raw datagrams: what `answer` gives is sent back. Message id and token of a request are at 2 and 4. */
async function rawServer(t: TestContext, answer: (request: Buffer, from: RemoteInfo, socket: Socket) => Buffer[]) {
  const socket = createSocket("udp4");
  const seen: Buffer[] = [];
  socket.on("message", (request, from) => {
    seen.push(request);
    for (const bytes of answer(request, from, socket)) socket.send(bytes, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { target: `coap://127.0.0.1:${socket.address().port}`, seen, socket };
}

/** A piggybacked answer (RFC 7252 5.2.1): type ACK, the request's message id and token. */
function ack(request: Buffer, code: number, rest: Buffer = Buffer.alloc(0)): Buffer {
  const length = (request[0] ?? 0) & 0x0f;
  const head = Buffer.from([0x60 | length, code, request[2] ?? 0, request[3] ?? 0]);
  return Buffer.concat([head, request.subarray(4, 4 + length), rest]);
}

const CHANGED = 0x44;
const BAD_REQUEST = 0x80;

test("posts confirmably to an independent server, one request at a time", async (t) => {
  const requests: { method: string; url: string; format: unknown; payload: string }[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    assert.equal(++open, 1);
    const { method, url, headers, payload } = request;
    requests.push({ method, url, format: headers["Content-Format"], payload: payload.toString() });
    setImmediate(() => {
      open--;
      response.statusCode = "2.04";
      response.end();
    });
  });
  const port = await freeUdpPort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const play = playing(t, `coap://127.0.0.1:${port}`);
  await eventually(() => play.posted.length >= 3, "three posts were answered");
  await play.end();
  assert.deepEqual(play.entries, []);
  const [first] = play.posted;
  assert.deepEqual(first?.outcome, { kind: "answered", code: "2.04", text: "" });
  const value = first?.values.get("temperature");
  assert.deepEqual(requests[0], {
    method: "POST",
    url: "/air",
    format: "application/json",
    payload: `{"temperature":${value}}`,
  });
});

test("each resource by itself as text, where the profile says so", async (t) => {
  const server = await rawServer(t, (request) => [ack(request, CHANGED)]);
  const play = playing(t, server.target, { posting: { format: "text", post: "resource" }, path: "a/b" });
  await eventually(() => play.posted.length >= 1, "one post was answered");
  await play.end();
  const request = server.seen[0] ?? Buffer.alloc(0);
  assert.equal((request[0] ?? 0) >> 4, 0x4); // version 1, confirmable (RFC 7252 3)
  assert.ok(request.includes("\xb1a\x01b\x0btemperature\x10\xff", 0, "latin1"), request.toString("latin1"));
});

test("a refusal goes to the journal with its code and diagnostic, and the device goes on", async (t) => {
  let refusals = 0;
  const server = await rawServer(t, (request) =>
    ++refusals <= 2
      ? [ack(request, BAD_REQUEST, Buffer.from("\xfftemperature is hot", "latin1"))]
      : [ack(request, CHANGED)],
  );
  const play = playing(t, server.target);
  await eventually(
    () => play.posted.some(({ outcome }) => outcome.kind === "answered" && outcome.code === "2.04"),
    "2.04",
  );
  await play.end();
  assert.equal(play.entries.length, 2);
  const { event, at, reason, message } = play.entries[0] ?? assert.fail();
  assert.deepEqual([event, at, reason], ["simulator_refused", "air", "client_error"]);
  assert.match(message, /refused with 4\.00: temperature is hot$/);
});

test("a reset is a refusal", async (t) => {
  const server = await rawServer(t, (request) => [Buffer.from([0x70, 0, request[2] ?? 0, request[3] ?? 0])]);
  const play = playing(t, server.target);
  await eventually(() => play.posted.length >= 2, "two posts were refused");
  await play.end();
  assert.deepEqual(play.posted[0]?.outcome, { kind: "reset" });
  assert.equal(play.entries[0]?.reason, "reset");
});

test("silence, noise, wrong options and answers from elsewhere are survived", async (t) => {
  const stranger = createSocket("udp4");
  t.after(() => stranger.close());
  const answers: ((request: Buffer, from: RemoteInfo) => Buffer[])[] = [
    () => [],
    () => [Buffer.from([]), Buffer.from([0x40]), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])],
    // A Block1 option without a value is legal (RFC 7959 2.2), and with four bytes it is not: at both the client library throws.
    (request) => [ack(request, CHANGED, Buffer.from([0xd0, 14]))],
    (request) => [ack(request, CHANGED, Buffer.from([0xd4, 14, 1, 2, 3, 4]))],
    (request, from) => {
      stranger.send(ack(request, CHANGED), from.port, from.address);
      return [];
    },
  ];
  let next = 0;
  const turns = new Map<string, number>();
  const server = await rawServer(t, (request, from) => {
    const id = request.toString("hex", 2, 4);
    const turn = turns.get(id) ?? next++;
    turns.set(id, turn);
    return answers[turn]?.(request, from) ?? [ack(request, CHANGED)];
  });
  const play = playing(t, server.target, { patience: 100 });
  const answered = (): number => play.posted.findIndex(({ outcome }) => outcome.kind === "answered");
  await eventually(() => answered() >= 0, "the server answers well in the end");
  assert.ok(answered() >= answers.length, `post ${answered()} was taken for answered`);
  await play.end();
  assert.ok(play.entries.every((entry) => entry.event === "simulator_refused"));
});

test("a server that sends blocks without end is not followed for ever", async (t) => {
  let asked = 0;
  // Block2 with more = 1 (RFC 7959 2.2): the client asks for the next block at once.
  const server = await rawServer(t, (request) => {
    asked += 1;
    return [ack(request, 0x45, Buffer.from([0xd1, 10, 0x08, 0xff, 0x21]))];
  });
  const play = playing(t, server.target, { simulation: { ...simulation, every: 3_600_000 }, patience: 300 });
  await eventually(() => play.posted.length === 1, "the request was given up");
  assert.equal(play.posted[0]?.outcome.kind, "timeout");
  assert.ok(asked > 1 && asked <= 65, `${asked} requests`);
});

test("a port where nobody listens, a name that cannot have an address and a lookup that comes too late", async (t) => {
  const nobody = playing(t, `coap://127.0.0.1:${await freeUdpPort()}`, { patience: 20 });
  await eventually(() => nobody.entries.length >= 3, "it went on posting");
  assert.ok(nobody.entries.every((entry) => ["timeout", "failed"].includes(entry.reason ?? "")));
  const nowhere = playing(t, `coap://${"x".repeat(64)}.invalid`);
  await eventually(() => nowhere.entries.length >= 1, "the failed lookup is journaled");
  assert.equal(nowhere.entries[0]?.reason, "failed");
  const late = playing(t, "coap://localhost:9");
  await late.end();
  assert.deepEqual(late.posted, []);
});

test("ending while a request is under way does not wait for its answer", async (t) => {
  const server = await rawServer(t, () => []);
  const play = playing(t, server.target, { patience: 3_600_000 });
  await eventually(() => server.seen.length > 0, "the request is under way");
  await play.end();
  assert.deepEqual([play.posted, play.entries], [[], []]);
});

test("targets", () => {
  assert.deepEqual(parseTarget("coap://127.0.0.1:25683"), { host: "127.0.0.1", port: 25683 });
  assert.deepEqual(parseTarget("coap://gateway.local"), { host: "gateway.local", port: 5683 });
  assert.deepEqual(parseTarget("coap://[::1]:5"), { host: "::1", port: 5 });
  assert.deepEqual(parseTarget("coap://0.0.0.0:25683"), { host: "127.0.0.1", port: 25683 });
  assert.deepEqual(parseTarget("coap://[::]:25683"), { host: "::1", port: 25683 });
  for (const bad of ["", "127.0.0.1:5683", "coaps://x", "http://x", "coap://", "coap://x:99999"]) {
    assert.throws(() => parseTarget(bad), /is no CoAP server: write coap:\/\//, bad);
  }
});
