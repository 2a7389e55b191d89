import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encode } from "cborg";
import { createHandler } from "../../adapters/coap/posted/handler.js";
import { openSession } from "../../adapters/coap/posted/session.js";
import { createTargets } from "../../adapters/coap/posted/targets.js";
import { WeirError } from "../../src/core/errors.js";
import type { Journal } from "../../src/core/journal.js";
import { CoapEndpoint, encodeMessage, type Message, OPTION, OUTCOMES, uint } from "../../src/protocols/coap/index.js";
import { emptyMessage, MESSAGE_TYPES } from "../../src/protocols/coap/message.js";
import { block } from "../../src/protocols/coap/options.js";
import type { Peer } from "../../src/protocols/datagram/index.js";
import { encodeSenmlCbor, encodeSenmlJson } from "../../src/protocols/senml/index.js";
import { eventually } from "../support/eventually.js";
import { connect } from "../unit/adapters/coap/client.js";
import { device, NOW } from "../unit/adapters/coap/fixture.js";
import { createRandom, type Random } from "../unit/protocols/framing/specimens.js";

const DATAGRAMS = 50_000;
/** Datagrams before memory is measured first: compiled code is there then, and every ring is full. */
const WARM_UP = 15_000;
const OVER_A_SOCKET = 4000;
/** In bytes. Keeping a hundred bytes of every datagram would come to more. */
const GROWTH = 3 * 1024 * 1024;

/** What becomes of datagrams only where something was asked. */
const OF_A_CLIENT = ["pong", "response", "notification", "stale"];

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Prints the seed, so that the same storm can be had again. */
function seeded(context: TestContext): Random {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this`);
  return createRandom(seed);
}

function memory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const DEVICES = [
  device("air", {
    temperature: { type: "number", access: "R", min: 0, max: 50 },
    open: { type: "boolean", access: "R" },
    raw: { type: "bytes", access: "R" },
  }),
  device("free"),
];

/** Requests that are good, for each Content-Format. */
const GOOD: readonly (readonly [readonly string[], number, Uint8Array])[] = [
  [["air", "temperature"], 0, Buffer.from("21.5")],
  [["air"], 50, Buffer.from(`{"temperature":21.5,"open":true}`)],
  [["free", "x"], 50, Buffer.from(`{"v":1,"t":1763890000000}`)],
  [["air"], 60, encode({ temperature: 21.5, raw: Uint8Array.of(1, 2, 3) })],
  [
    ["air"],
    110,
    encodeSenmlJson([{ name: "air/temperature", value: 21.5, unit: "Cel", time: NOW }], { baseName: "air/" }),
  ],
  [
    ["air"],
    112,
    encodeSenmlCbor([
      { name: "urn:dev:x:temperature", value: 21.5 },
      { name: "open", value: true },
    ]),
  ],
];
const PATHS = [["air"], ["air", "temperature"], ["free"], ["free", "x"], [".well-known", "core"], ["nobody"], []];

function pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[], random: Random): Item {
  return items[random(items.length)] as Item;
}

/** A request, or another message, as a good client sends it. */
function sound(random: Random): Uint8Array {
  if (random(20) === 0) return emptyMessage(pick(MESSAGE_TYPES, random), random(3000));
  const [target, format, body] = pick(GOOD, random);
  const path = random(4) === 0 ? pick(PATHS, random) : target;
  const message: Message = {
    type: pick(["CON", "CON", "CON", "NON", "NON", "ACK", "RST"] as const, random),
    code: pick(["0.02", "0.02", "0.03", "0.03", "0.01", "0.04", "0.05", "2.05", "4.00"] as const, random),
    messageId: random(3000),
    token: Uint8Array.from({ length: random(9) }, () => random(256)),
    options: [
      ...path.map((segment) => ({ number: OPTION.uriPath, value: Buffer.from(segment) })),
      ...(random(4) === 0 ? [] : [uint(OPTION.contentFormat, format)]),
      ...(random(4) === 0 ? [block(OPTION.block1, { num: random(4), more: random(2) === 0, szx: random(8) })] : []),
      ...(random(8) === 0 ? [block(OPTION.block2, { num: random(3), more: false, szx: random(8) })] : []),
      ...(random(8) === 0 ? [uint(random(70), random(70_000))] : []),
    ],
    payload: random(6) === 0 ? new Uint8Array(16 * 2 ** random(7)).fill(0x31) : body,
  };
  return Uint8Array.from(encodeMessage(message));
}

function hostile(random: Random): Uint8Array {
  const kind = random(10);
  if (kind === 0) return Uint8Array.from({ length: random(120) }, () => random(256));
  const bytes = sound(random);
  const at = random(bytes.length);
  switch (kind) {
    case 1: // a bit turned over
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 2: // several bytes changed
      for (let count = random(6); count >= 0; count--) bytes[random(bytes.length)] = random(256);
      return bytes;
    case 3: // cut
      return bytes.subarray(0, at);
    case 4: // more at the end
      return new Uint8Array(Buffer.concat([bytes, bytes.subarray(at)]));
    case 5: // random bytes behind a header that is good
      return Uint8Array.from({ length: 4 + random(60) }, (_, index) => (index < 4 ? (bytes[index] ?? 0) : random(256)));
    default:
      return bytes;
  }
}

/** 40 peers, one of them on port 0. */
function peerOf(number: number): Peer {
  const port = number === 0 ? 0 : 1000 + number;
  return { id: `192.0.2.1:${port}`, address: "192.0.2.1", port };
}

/** An endpoint and the adapter's handler without sockets, and what they counted. */
function createEndpoint() {
  const server = new CoapEndpoint({
    maxRemembered: 1000,
    maxRememberedBytes: 50_000,
    maxPending: 50,
    maxTransfers: 8,
    maxBody: 2000,
  });
  const counted = { datagrams: 0, accepted: 0, refused: 0, listed: 0 };
  const journal: Journal = ({ event }) => {
    assert.equal(event, "coap_refused");
    counted.refused++;
  };
  const targets = createTargets(DEVICES);
  let full = false;
  const handler = createHandler({
    // Takes its time, and refuses one of ten.
    sink: async () => {
      await undefined;
      if (counted.accepted % 10 === 9 && !full) {
        full = true;
        throw new WeirError("OUTBOX_FULL", "full");
      }
      full = false;
      counted.accepted++;
    },
    journal,
    now: () => NOW,
    at: "coap:fuzz",
    targets,
    maxPayload: 2000,
    channel: { secure: false, required: false },
  });
  let now = 0;
  return {
    server,
    counted,
    receive: async (bytes: Uint8Array, peer: Peer, multicast: boolean, wait: boolean): Promise<void> => {
      counted.datagrams++;
      now += 5;
      server.tick(now);
      for (const effect of server.receive(bytes, peer, multicast, now).effects) {
        if (effect.kind !== "request") continue;
        const answered = handler(effect.request).then((response) => {
          if (response.code === "2.05") counted.listed++;
          server.respond(effect.exchange, response, now);
        });
        if (wait) await answered;
      }
    },
  };
}

test(`${DATAGRAMS} hostile datagrams: no exception, no growth, each counted once`, async (context) => {
  const random = seeded(context);
  const { server, counted, receive } = createEndpoint();
  let before = 0;
  for (let count = 0; count < DATAGRAMS; count++) {
    if (count === WARM_UP) before = memory();
    await receive(hostile(random), peerOf(random(40)), random(50) === 0, random(3) > 0);
    const { pending, remembered, rememberedBytes, transfers, transferBytes } = server.state;
    assert.ok(
      pending <= 50 && remembered <= 1000 && rememberedBytes <= 50_000 && transfers <= 8 && transferBytes <= 16_000,
    );
  }
  await eventually(() => server.state.pending === 0, "all requests are answered");
  const growth = memory() - before;
  const outcomes = OUTCOMES.map((outcome) => server.counters[outcome]);
  assert.equal(
    outcomes.reduce((sum, count) => sum + count),
    DATAGRAMS,
    "each datagram ends in one outcome",
  );
  assert.equal(
    counted.accepted + counted.refused + counted.listed,
    server.counters.request,
    "each request ends in one answer",
  );
  // The storm reaches every corner; acknowledgements of separate responses need a peer that plays along, challenges another setting.
  const elsewhere: readonly string[] = ["acknowledged", "rejected", "overload", "challenged", ...OF_A_CLIENT];
  assert.deepEqual(
    OUTCOMES.filter((outcome) => server.counters[outcome] === 0 && !elsewhere.includes(outcome)),
    [],
  );
  assert.ok(counted.accepted > 1000 && counted.refused > 1000, JSON.stringify(counted));
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
});

test(`${OVER_A_SOCKET} hostile datagrams over a socket: it goes on serving`, async (context) => {
  const random = seeded(context);
  let taken = 0;
  const session = await openSession(
    {
      listen: ["udp://127.0.0.1:0"],
      maxPayload: 2000,
      maxPending: 64,
      dtls: undefined,
      echo: "amplification",
      multicast: false,
    },
    DEVICES,
    {
      sink: async () => {
        taken++;
      },
      journal: () => {},
      now: () => NOW,
      signal: new AbortController().signal,
    },
  );
  const socket = createSocket("udp4");
  const [listener] = session.listeners;
  assert.ok(listener !== undefined);
  const { port } = listener.local;
  const client = await connect(port);
  context.after(async () => {
    client.close();
    socket.close();
    await session.close();
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { counters } = listener.service;
  const counted = (): number => OUTCOMES.reduce((sum, outcome) => sum + counters[outcome], 0);
  for (let sent = 1; sent <= OVER_A_SOCKET; sent++) {
    socket.send(hostile(random), port, "127.0.0.1");
    // Not more at a time than the socket's buffer holds: here none may be lost.
    if (sent % 100 === 0) await eventually(() => counted() === sent, `${sent} datagrams are counted`);
  }
  const before = taken;
  assert.equal((await client.ask({ path: "free/x", payload: "1" })).code, "2.04");
  assert.equal(taken, before + 1);
});
