import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CoapHandler,
  type CoapResponse,
  type NotifyOutcome,
  type Observer,
  OPTION,
  openEndpoint,
  uint,
} from "../../../../../src/protocols/coap/index.js";
import type { DatagramReceiver, DatagramTransport } from "../../../../../src/protocols/datagram/index.js";
import { eventually } from "../../../../support/eventually.js";
import { EMPTY, known, line, message, PEER, read } from "./stage.js";

const DEVICE = known(PEER);

/** An endpoint over a transport without a network, whose handler lets all observe who ask. */
function open(observe: (observer: Observer) => () => void = () => () => {}, now = () => 0) {
  let receiver: DatagramReceiver = { datagram: () => {} };
  let settle: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const sent: Uint8Array[] = [];
  const failures: string[] = [];
  const observers: Observer[] = [];
  let ended = 0;
  const transport: DatagramTransport = {
    local: { address: "192.0.2.2", port: 5683 },
    listen: (to) => {
      receiver = to;
    },
    send: (bytes) => void sent.push(bytes),
    connect: async () => DEVICE,
    unsent: 0,
    closed,
    close: async () => settle(),
  };
  let release: () => void = () => {};
  const handler: CoapHandler = async ({ path }): Promise<CoapResponse> => {
    if (path[0] === "slow") await new Promise<void>((resolve) => (release = resolve));
    const take = (observer: Observer): (() => void) => {
      observers.push(observer);
      const end = observe(observer);
      return () => {
        ended++;
        end();
      };
    };
    return { code: "2.05", payload: "0", observe: take };
  };
  const service = openEndpoint(transport, {
    leisure: 1,
    handler,
    now,
    epoch: 0,
    onFailure: (one) => failures.push(String(one)),
  });
  const receive = (bytes: Uint8Array, multicast = false): void => receiver.datagram(bytes, DEVICE, multicast);
  return {
    service,
    sent,
    failures,
    observers,
    receive,
    ended: (): number => ended,
    gone: () => receiver.gone?.(DEVICE, "closed"),
    release: () => release(),
    register: async (): Promise<Observer> => {
      receive(message({ options: [uint(OPTION.observe, 0)] }));
      await eventually(() => sent.length > 0, "the registration is answered");
      const [observer] = observers;
      assert.ok(observer !== undefined);
      return observer;
    },
    acknowledge: (): void => {
      const { messageId } = read(sent.at(-1));
      receive(message({ type: "ACK", code: "0.00", token: EMPTY, messageId }));
    },
  };
}

test("an observer is told of after the answer; what becomes of a state is what its promise resolves with", async () => {
  const to = open();
  const observer = await to.register();
  assert.deepEqual([to.sent.map(line), observer.peer], [["ACK 2.05 7 4a observe=0 0"], DEVICE]);
  const outcomes: NotifyOutcome[] = [];
  const first = observer.notify({ code: "2.05", payload: "1" }).then((outcome) => outcomes.push(outcome));
  assert.deepEqual([to.sent.length, to.service.state.unacknowledged, outcomes], [2, 1, []]);
  to.acknowledge();
  await first;
  assert.equal(await observer.notify({ code: "2.05", payload: "2" }, { confirmable: false }), "sent");
  assert.deepEqual(outcomes, ["acknowledged"]);
  await to.service.close();
});

for (const [what, end] of [
  ["the peer is gone", (to: ReturnType<typeof open>) => to.gone()],
  ["the endpoint is closed", (to: ReturnType<typeof open>) => to.service.close()],
  ["the handler ends it", (to: ReturnType<typeof open>) => to.observers[0]?.end()],
] as const) {
  test(`it ends for the handler once, and for what is on its way, when ${what}`, async () => {
    const to = open();
    const observer = await to.register();
    const outcome = observer.notify({ code: "2.05" });
    await end(to);
    assert.equal(await outcome, "ended");
    observer.end();
    assert.deepEqual([to.ended(), to.service.state.observers], [1, 0]);
    assert.equal(await observer.notify({ code: "2.05" }), "ended");
    await to.service.close();
    assert.equal(to.ended(), 1);
  });
}

test("a handler may notify and end while it is told", async () => {
  const outcomes: Promise<NotifyOutcome>[] = [];
  const to = open((observer) => {
    outcomes.push(observer.notify({ code: "2.05" }));
    observer.end();
    return () => {};
  });
  await to.register();
  assert.deepEqual([await Promise.all(outcomes), to.ended(), to.service.state.observers], [["ended"], 1, 0]);
  await to.service.close();
});

test("a handler that throws when it is told is reported, and has no observer", async () => {
  const to = open(() => {
    throw new Error("not now");
  });
  await to.register();
  assert.deepEqual([to.failures, to.service.state.observers], [["Error: not now"], 0]);
  await to.service.close();
});

test("one that throws when it ends is reported", async () => {
  const to = open(() => () => {
    throw new Error("the end");
  });
  const observer = await to.register();
  observer.end();
  assert.deepEqual([to.failures, to.service.state.observers], [["Error: the end"], 0]);
  await to.service.close();
});

test("a state that no message can hold rejects, and the observation goes on", async () => {
  const to = open();
  const observer = await to.register();
  await assert.rejects(observer.notify({ code: "2.05", options: [{ number: 70_000, value: EMPTY }] }), RangeError);
  assert.equal(await observer.notify({ code: "2.05" }, { confirmable: false }), "sent");
  await to.service.close();
});

test("an answer that comes after the end makes no observer", async () => {
  const to = open();
  to.receive(message({ options: [uint(OPTION.observe, 0), { number: OPTION.uriPath, value: Buffer.from("slow") }] }));
  await to.service.close(0);
  to.release();
  await eventually(() => to.service.state.pending === 0, "it was answered");
  assert.deepEqual([to.observers.length, to.service.state.observers], [0, 0]);
});

test("an answer to a group keeps its time though a timer runs already", async () => {
  const to = open(undefined, () => performance.now());
  const slow = { number: OPTION.uriPath, value: Buffer.from("slow") };
  to.receive(message({ options: [slow] }));
  await eventually(() => to.service.state.pending === 1, "it waits");
  const began = performance.now();
  to.receive(message({ type: "NON", messageId: 8 }), true);
  await eventually(() => to.sent.length === 1, "it was answered");
  assert.ok(performance.now() - began < 700, "within its leisure of 1 ms, not when the other one is acknowledged");
  to.release();
  await to.service.close();
});
