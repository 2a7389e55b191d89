import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { AskedSession } from "../../../../../adapters/coap/asked/session.js";
import type { Way } from "../../../../../adapters/coap/asked/way.js";
import type { Command } from "../../../../../src/core/command.js";
import { WeirError } from "../../../../../src/core/errors.js";
import type { Entry } from "../../../../../src/core/journal.js";
import type { Reading } from "../../../../../src/core/reading.js";
import { coapCodec, parseProfile } from "../../../../../src/profile/index.js";
import {
  CoapError,
  type IncomingResponse,
  type OutgoingRequest,
  type RequestLimits,
} from "../../../../../src/protocols/coap/index.js";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";
import { answer } from "./world.js";

const NOW = 1_763_890_000_123;
const READS = `
vendor: Test
model: Lamp
resources:
  level: { type: integer, access: RW, min: 0, max: 100 }
  toggle: { type: boolean, access: E }
coap:
  reads: [{ path: "/lamp?k=level", how: get, resource: level }]
  commands: { level: { path: /lamp }, toggle: { path: /toggle } }
`;

function setup(t: { after(end: () => unknown): void }, profile = READS) {
  const asked: { request: OutgoingRequest; limits: RequestLimits }[] = [];
  const entries: Entry[] = [];
  const readings: Reading[] = [];
  const controller = new AbortController();
  let failWay: (error: Error) => void = () => {};
  const world = {
    asked,
    entries,
    readings,
    controller,
    closed: 0,
    answer: (_request: OutgoingRequest, _limits?: RequestLimits): Promise<IncomingResponse> =>
      Promise.resolve(answer("2.05", "7")),
    sink: (): Promise<void> => Promise.resolve(),
    secure: false,
    reach: async (): Promise<Peer> => ({ id: "p", address: "127.0.0.1", port: 5683 }),
    failWay: (error: Error) => failWay(error),
  };
  const way: Way = {
    client: {
      request: (_peer, request, limits = {}) => {
        asked.push({ request, limits });
        return world.answer(request, limits);
      },
      observe: () => ({ cancel: async () => {} }),
      ping: async () => {},
      gather: async () => [],
    },
    get secure() {
      return world.secure;
    },
    reach: () => world.reach(),
    closed: new Promise((_resolve, reject) => {
      failWay = reject;
    }),
    close: async () => {
      world.closed++;
    },
  };
  const codec = coapCodec(parseProfile(profile, { file: "lamp.yaml", name: "lamp" }));
  const session = new AskedSession("lamp", codec, ["base"], way, {
    sink: async (given) => {
      await world.sink();
      readings.push(...given);
    },
    signal: controller.signal,
    journal: (entry) => entries.push(entry),
    now: () => NOW,
  });
  t.after(() => session.close());
  const command = (action: Command["action"], resource: string, value?: Command["value"]): Command => {
    const base = { id: "1", device: "lamp", resource, action, deadline: NOW + 5000 };
    return value === undefined ? base : { ...base, value };
  };
  return { session, world, command };
}

test("it is open once the device answered, whatever it said", async (t) => {
  const { session, world } = setup(t);
  world.answer = () => Promise.resolve(answer("4.04", ""));
  await session.begin();
  assert.deepEqual(world.asked[0]?.request.path, [".well-known", "core"]);
});

test("silent for 25 s, it does not open, and its socket is closed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { session, world } = setup(t);
  world.answer = () => new Promise(() => {});
  const opened = session.begin();
  await turn();
  t.mock.timers.tick(25_000);
  await assert.rejects(opened, { code: "DEVICE_NO_ANSWER", message: /lamp did not answer within 25 s/ });
  assert.equal(world.closed, 1);
});

test("over DTLS the same says that the keys may differ", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { session, world } = setup(t);
  world.secure = true;
  world.reach = () => new Promise(() => {});
  const opened = session.begin();
  await turn();
  t.mock.timers.tick(25_000);
  await assert.rejects(opened, { code: "DEVICE_NO_ANSWER", message: /no DTLS session within 25 s: .* another key/ });
});

for (const [what, profile] of [
  ["only told", READS],
  ["polled", READS.replace("how: get", "how: poll, every: 1h")],
  ["observed", READS.replace("how: get", "how: observe")],
] as const) {
  test(`a refused handshake is why a device that is ${what} does not open`, async (t) => {
    const { session, world } = setup(t, profile);
    world.reach = () => Promise.reject(new WeirError("DEVICE_REFUSED", "lamp: ended by the peer with alert 48"));
    await assert.rejects(session.begin(), { code: "DEVICE_REFUSED", message: /alert 48/ });
    assert.equal(world.closed, 1);
  });
}

test("one that refuses us later is lost: its key was changed", async (t) => {
  const { session, world, command } = setup(t);
  await session.begin();
  world.reach = () => Promise.reject(new WeirError("DEVICE_REFUSED", "lamp: ended by the peer with alert 48"));
  await assert.rejects(session.execute(command("write", "level", 40)), { code: "DEVICE_REFUSED" });
  await assert.rejects(session.closed, { code: "DEVICE_REFUSED", message: /alert 48/ });
});

test("a reset or an answer without end is an answer to a poll too, and told", async (t) => {
  const { session, world } = setup(t, READS.replace("how: get", "how: poll, every: 1h"));
  world.answer = () => Promise.reject(new CoapError("TOO_LARGE", "the answer is larger than 65536 bytes"));
  await session.begin();
  assert.deepEqual(
    world.entries.map(({ event, reason }) => [event, reason]),
    [["coap_read_refused", "unusable"]],
  );
});

test("aborted while it opens, it gives up", async (t) => {
  const { session, world } = setup(t);
  world.answer = () => new Promise(() => {});
  const opened = session.begin();
  await turn();
  world.controller.abort();
  await assert.rejects(opened, { code: "CLOSED" });
  assert.equal(world.closed, 1);
});

test("a read asks, below the base path, and what comes is a reading too", async (t) => {
  const { session, world, command } = setup(t);
  await session.begin();
  assert.equal(await session.execute(command("read", "level")), 7);
  const { request, limits } = world.asked[1] ?? assert.fail();
  assert.deepEqual(request, { method: "0.01", path: ["base", "lamp"], query: ["k=level"], accept: undefined });
  assert.ok((limits.timeout ?? 0) <= 5000);
  assert.deepEqual(world.readings, [{ device: "lamp", resource: "level", value: 7, time: NOW, quality: "good" }]);
});

test("a read whose readings are refused still has its value", async (t) => {
  const { session, world, command } = setup(t);
  await session.begin();
  world.sink = () => Promise.reject(new WeirError("OUTBOX_FULL", "full"));
  assert.equal(await session.execute(command("read", "level")), 7);
  await turn();
  assert.deepEqual(
    world.entries.map(({ event, reason }) => [event, reason]),
    [["coap_dropped", "outbox_full"]],
  );
});

test("a write is PUT, an execute POST", async (t) => {
  const { session, world, command } = setup(t);
  await session.begin();
  world.answer = () => Promise.resolve(answer("2.04", ""));
  assert.equal(await session.execute(command("write", "level", 40)), undefined);
  assert.equal(await session.execute(command("execute", "toggle")), undefined);
  const [, write, execute] = world.asked.map(({ request }) => request);
  assert.deepEqual([write?.method, write?.path, write?.contentFormat], ["0.03", ["base", "lamp"], 0]);
  assert.equal(Buffer.from(write?.payload ?? []).toString(), "40");
  assert.deepEqual([execute?.method, execute?.contentFormat, execute?.payload?.length], ["0.02", undefined, 0]);
});

for (const [what, given, code, message] of [
  ["a no with its words", answer("4.05", "read only"), "COMMAND_FAILED", /lamp answered 4\.05 to \/lamp: "read only"/],
  ["a no without words", answer("5.00", ""), "COMMAND_FAILED", /lamp answered 5\.00 to \/lamp$/],
  ["silence", new CoapError("TIMEOUT", "no answer"), "DEVICE_NO_ANSWER", /lamp\/lamp: no answer/],
  ["a reset", new CoapError("RESET", "a reset"), "COMMAND_FAILED", /a reset/],
  ["a session that ended", new CoapError("GONE", "gone"), "DEVICE_NO_ANSWER", /gone/],
] as const) {
  test(`a command that gets ${what}: ${code}`, async (t) => {
    const { session, world, command } = setup(t);
    await session.begin();
    world.answer = () => (given instanceof CoapError ? Promise.reject(given) : Promise.resolve(given));
    await assert.rejects(session.execute(command("write", "level", 1)), { code, message });
    // One command says nothing of the link.
    assert.equal(world.closed, 0);
  });
}

test("what the profile does not have, and what comes too late, is not sent", async (t) => {
  const { session, world, command } = setup(t);
  await session.begin();
  await assert.rejects(session.execute(command("write", "level", 101)), { code: "VALUE_INVALID" });
  await assert.rejects(session.execute(command("write", "nothing", 1)), { code: "RESOURCE_UNKNOWN" });
  await assert.rejects(session.execute(command("execute", "level")), { code: "ACTION_UNSUPPORTED" });
  await assert.rejects(session.execute(command("read", "toggle")), { code: "ACTION_UNSUPPORTED" });
  await assert.rejects(session.execute({ ...command("write", "level", 1), deadline: NOW }), {
    code: "COMMAND_EXPIRED",
  });
  assert.equal(world.asked.length, 1);
  await session.close();
  await assert.rejects(session.execute(command("write", "level", 1)), { code: "DEVICE_OFFLINE" });
});

test("an answer that cannot be decoded is told, and not asked for again", async (t) => {
  const { session, world } = setup(t, READS.replace("how: get", "how: poll, every: 1h"));
  world.answer = () => Promise.resolve(answer("2.05", "many"));
  await session.begin();
  await turn();
  assert.deepEqual(
    world.entries.map(({ event }) => event),
    ["coap_undecodable"],
  );
  assert.deepEqual(world.readings, []);
});

test("a lost socket ends it", async (t) => {
  const { session, world } = setup(t);
  await session.begin();
  world.failWay(new Error("ENETDOWN"));
  await assert.rejects(session.closed, { code: "LISTEN_FAILED", message: /ENETDOWN/ });
});

test("a device that answers nothing any more is lost", async (t) => {
  const { session, world } = setup(t, READS.replace("how: get", "how: poll, every: 1s"));
  await session.begin();
  world.answer = () => Promise.reject(new CoapError("TIMEOUT", "no answer"));
  await assert.rejects(session.closed, { code: "DEVICE_NO_ANSWER" });
  assert.equal(world.closed, 1);
});

test("more requests at a time than Node takes for a leak: it does not warn of one", async (t) => {
  const warnings: Error[] = [];
  const warn = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", warn);
  t.after(() => process.off("warning", warn));
  const { session, world, command } = setup(t);
  await session.begin();
  world.answer = (_request, { signal } = {}) =>
    new Promise((_resolve, reject) =>
      signal?.addEventListener("abort", () => reject(new CoapError("ABORTED", "over"))),
    );
  const asked = Array.from({ length: 20 }, () => session.execute(command("read", "level")));
  await turn();
  assert.deepEqual(warnings, []);
  await session.close();
  for (const { status } of await Promise.allSettled(asked)) assert.equal(status, "rejected");
});
