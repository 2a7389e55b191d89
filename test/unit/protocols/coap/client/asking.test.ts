import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  CoapError,
  type CoapHandler,
  DEFAULT_TIMING,
  type Observer,
  type OpenOptions,
  openEndpoint,
} from "../../../../../src/protocols/coap/index.js";
import { type DatagramReceiver, type DatagramTransport, openUdp } from "../../../../../src/protocols/datagram/index.js";
import { eventually } from "../../../../support/eventually.js";
import { PEER } from "../server/stage.js";

const GET = { method: "0.01", path: ["t"] } as const;

async function open(context: TestContext, options: OpenOptions = {}) {
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  const endpoint = openEndpoint(transport, options);
  context.after(() => endpoint.close(1));
  return { endpoint, local: transport.local };
}

/** Lets all that is due happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A transport on which nothing comes back. */
function silent() {
  let receiver: DatagramReceiver = { datagram: () => {} };
  const transport: DatagramTransport = {
    local: { address: "192.0.2.2", port: 5683 },
    listen: (to) => {
      receiver = to;
    },
    send: () => {},
    connect: async () => PEER,
    unsent: 0,
    closed: new Promise(() => {}),
    close: async () => {},
  };
  return { transport, gone: () => receiver.gone?.(PEER, "idle") };
}

test("two endpoints ask each other, each on the socket that it serves on", async (context) => {
  const handler =
    (name: string): CoapHandler =>
    async ({ peer, payload }) => ({ code: "2.05", payload: `${name} ${peer.port} ${payload.length}` });
  const [one, other] = [
    await open(context, { handler: handler("one") }),
    await open(context, { handler: handler("other") }),
  ];
  const ask = async (from: typeof one, to: typeof one): Promise<string> => {
    const peer = await from.endpoint.connect(to.local);
    const response = await from.endpoint.request(peer, { ...GET, method: "0.05", payload: new Uint8Array(3000) });
    return Buffer.from(response.payload).toString();
  };
  assert.deepEqual(await Promise.all([ask(one, other), ask(other, one), ask(one, other)]), [
    `other ${one.local.port} 3000`,
    `one ${other.local.port} 3000`,
    `other ${one.local.port} 3000`,
  ]);
  await one.endpoint.ping(await one.endpoint.connect(other.local));
  assert.deepEqual([one.endpoint.counters.pong, other.endpoint.counters.ping], [1, 1]);
});

test("a caller's time and a caller's signal reject, also while the timer is set for later", {
  timeout: 3000,
}, async () => {
  const { transport } = silent();
  // So the timer is set for 5 s.
  const timing = { ...DEFAULT_TIMING, ackTimeout: 600_000 };
  const endpoint = openEndpoint(transport, { separateAfter: 600_000, timing });
  const first = assert.rejects(endpoint.request(PEER, GET, { timeout: 600_000, signal: AbortSignal.timeout(20) }), {
    name: "CoapError",
    code: "ABORTED",
  });
  await assert.rejects(endpoint.request(PEER, GET, { timeout: 5 }), { code: "TIMEOUT" });
  await assert.rejects(endpoint.ping(PEER, { signal: AbortSignal.abort() }), { code: "ABORTED" });
  await first;
  assert.deepEqual([endpoint.state.requests, endpoint.state.unacknowledged], [0, 0]);
  await endpoint.close(1);
});

test("a close rejects what waits and what comes after; a peer that is gone what waits for it", async () => {
  const { transport, gone } = silent();
  const endpoint = openEndpoint(transport);
  const ended: unknown[] = [];
  endpoint.observe(PEER, GET, { next: () => {}, ended: (why) => ended.push("code" in why && why.code) });
  const lost = assert.rejects(endpoint.request(PEER, GET), { code: "GONE" });
  gone();
  await lost;
  assert.deepEqual(ended, ["GONE"]);
  const closed = assert.rejects(endpoint.request(PEER, GET), { code: "CLOSED" });
  await endpoint.close(1);
  await closed;
  await assert.rejects(endpoint.request(PEER, GET), { code: "CLOSED" });
});

test("an observer that rejects gets the state again; one that cancels hears nothing more", async (context) => {
  const observers: Observer[] = [];
  let over = 0;
  const server = await open(context, {
    timing: { ...DEFAULT_TIMING, ackTimeout: 20 },
    handler: async () => ({
      code: "2.05",
      payload: "first",
      observe: (observer) => {
        observers.push(observer);
        return () => over++;
      },
    }),
  });
  const client = await open(context);
  const states: string[] = [];
  const observation = client.endpoint.observe(await client.endpoint.connect(server.local), GET, {
    next: async ({ payload }) => {
      states.push(Buffer.from(payload).toString());
      if (states.length === 2) throw new Error("no room");
    },
    ended: () => states.push("ended"),
  });
  await eventually(() => states.length === 1 && observers.length === 1, "it is observed");
  assert.equal(await observers[0]?.notify({ code: "2.05", payload: "second" }, { confirmable: true }), "acknowledged");
  assert.deepEqual(states, ["first", "second", "second"]);
  await Promise.all([observation.cancel(), observation.cancel()]);
  assert.deepEqual([over, states.length, client.endpoint.state.observations], [1, 3, 0]);
});

test("a listener that throws where it may not is reported, and ends nothing", async () => {
  const { transport, gone } = silent();
  const failures: unknown[] = [];
  const endpoint = openEndpoint(transport, { onFailure: (failure) => failures.push(failure) });
  const broken = new Error("a listener's own");
  endpoint.observe(PEER, GET, {
    next: () => {},
    ended: () => {
      throw broken;
    },
  });
  gone();
  await turn();
  assert.deepEqual(failures, [broken]);
  await endpoint.close(1);
});

for (const [code, request, close] of [
  ["BUSY", GET, false],
  ["INVALID", { ...GET, path: ["x".repeat(256)] }, false],
  ["CLOSED", GET, true],
] as const) {
  test(`who observes where that is ${code} has the observation in hand before it hears so, and may cancel it`, async () => {
    const { transport } = silent();
    const endpoint = openEndpoint(transport, { maxObservations: 0 });
    if (close) await endpoint.close(1);
    const heard: unknown[] = [];
    const ended = (why: unknown): void => {
      heard.push(why instanceof CoapError && why.code);
      void observation.cancel().then(() => heard.push("cancelled"));
    };
    const observation = endpoint.observe(PEER, request, { next: () => {}, ended });
    await turn();
    assert.deepEqual(heard, [code, "cancelled"]);
    const cancelled = endpoint.observe(PEER, request, { next: () => {}, ended: () => heard.push("ended") });
    await cancelled.cancel();
    await turn();
    assert.equal(heard.length, 2);
    await endpoint.close(1);
  });
}
