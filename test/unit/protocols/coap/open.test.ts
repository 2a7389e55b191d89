import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import {
  type CoapHandler,
  DEFAULT_TIMING,
  encodeMessage,
  type Message,
  parseMessage,
  openEndpoint,
} from "../../../../src/protocols/coap/index.js";
import {
  type DatagramReceiver,
  type DatagramTransport,
  openUdp,
  type Peer,
} from "../../../../src/protocols/datagram/index.js";

const EMPTY = new Uint8Array(0);
const PEER: Peer = { id: "p", address: "192.0.2.1", port: 5000 };

function request(parts: Partial<Message> = {}): Uint8Array {
  return encodeMessage({
    type: "CON",
    code: "0.02",
    messageId: 1,
    token: EMPTY,
    options: [],
    payload: EMPTY,
    ...parts,
  });
}

/** A transport without a network: `receive` is the far side. */
function fakeTransport() {
  const sent: string[] = [];
  /** What becomes of the next datagrams that are sent: a fault that a transport must not have. */
  const faults: Error[] = [];
  let receiver: DatagramReceiver = { datagram: () => {} };
  let settle = { resolve: () => {}, reject: (_error: Error) => {} };
  const closed = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  closed.catch(() => {});
  let onSend: () => void = () => {};
  const transport: DatagramTransport = {
    local: { address: "192.0.2.2", port: 5683 },
    listen: (to) => {
      receiver = to;
    },
    send: (bytes) => {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      const parsed = parseMessage(bytes);
      assert.ok(parsed.ok);
      sent.push(`${parsed.message.type} ${parsed.message.code} ${parsed.message.messageId}`);
      onSend();
    },
    connect: async () => PEER,
    unsent: 0,
    closed,
    close: async () => settle.resolve(),
  };
  const sends = async (count: number): Promise<void> => {
    while (sent.length < count) await new Promise<void>((resolve) => (onSend = resolve));
  };
  return {
    transport,
    sent,
    sends,
    faults,
    lose: (error: Error) => settle.reject(error),
    receive: (bytes: Uint8Array) => receiver.datagram(bytes, PEER, false),
  };
}

test("what the handler resolves with is sent; what it rejects with or throws is 5.00 and reported", async () => {
  const { transport, sent, sends, receive } = fakeTransport();
  const failures: unknown[] = [];
  const answers: CoapHandler[] = [
    async () => ({ code: "2.04" }),
    async () => Promise.reject(new Error("rejected")),
    () => {
      throw new Error("thrown");
    },
  ];
  const service = openEndpoint(transport, {
    handler: (one) => (answers.shift() as CoapHandler)(one),
    onFailure: (failure) => failures.push(String(failure)),
  });
  for (const messageId of [1, 2, 3]) receive(request({ messageId }));
  await sends(3);
  assert.deepEqual(sent.toSorted(), ["ACK 2.04 1", "ACK 5.00 2", "ACK 5.00 3"]);
  assert.deepEqual(failures.toSorted(), ["Error: rejected", "Error: thrown"]);
  await service.close();
});

test("a response that no message can hold is reported, and ends nothing", async () => {
  const { transport, sends, receive } = fakeTransport();
  const failures: string[] = [];
  const options = [{ number: 70_000, value: EMPTY }];
  const service = openEndpoint(transport, {
    handler: async ({ method }) => (method === "0.02" ? { code: "2.04", options } : { code: "2.05" }),
    onFailure: (failure) => failures.push(String(failure)),
  });
  receive(request());
  receive(request({ messageId: 2, code: "0.01" }));
  await sends(1);
  assert.deepEqual(
    failures.map((failure) => failure.slice(0, 10)),
    ["RangeError"],
  );
  await service.close();
});

test("a slow handler: empty acknowledgement, then the response, again until it is acknowledged", async () => {
  const { transport, sent, sends, receive } = fakeTransport();
  let answer: () => void = () => {};
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const timing = { ackTimeout: 20, ackRandomFactor: 1, maxRetransmit: 4, exchangeLifetime: 1000, nonLifetime: 1000 };
  const handler: CoapHandler = async () => {
    await slow;
    return { code: "2.04" };
  };
  const service = openEndpoint(transport, { handler, separateAfter: 10, timing, random: () => 0 });
  receive(request());
  await sends(1);
  assert.deepEqual(sent, ["ACK 0.00 1"]);
  answer();
  await sends(3);
  assert.deepEqual(sent.slice(1, 3), ["CON 2.04 0", "CON 2.04 0"]);
  receive(request({ type: "ACK", code: "0.00", messageId: 0 }));
  assert.equal(service.counters.acknowledged, 1);
  assert.equal(service.state.unacknowledged, 0);
  await service.close();
});

test("a slow request is acknowledged in time though a retransmission is due much later", {
  timeout: 20_000,
}, async (context) => {
  const { transport, sent, sends, receive } = fakeTransport();
  const answers: (() => void)[] = [];
  const timing = { ...DEFAULT_TIMING, ackTimeout: 600_000 };
  const handler: CoapHandler = async () => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return { code: "2.04" };
  };
  const service = openEndpoint(transport, { handler, separateAfter: 5, timing, random: () => 0 });
  context.after(() => service.close(1));
  receive(request());
  await sends(1);
  answers[0]?.();
  await sends(2);
  receive(request({ messageId: 2 }));
  await sends(3);
  assert.deepEqual(sent, ["ACK 0.00 1", "CON 2.04 0", "ACK 0.00 2"]);
  answers[1]?.();
});

test("a fault while something is due is reported and ends nothing: what is due later is done all the same", async (context) => {
  const { transport, sent, sends, faults } = fakeTransport();
  const failures: unknown[] = [];
  const timing = { ackTimeout: 20, ackRandomFactor: 1, maxRetransmit: 4, exchangeLifetime: 1000, nonLifetime: 1000 };
  const service = openEndpoint(transport, { timing, random: () => 0, onFailure: (failure) => failures.push(failure) });
  context.after(() => service.close(1));
  const closed = assert.rejects(service.request(PEER, { method: "0.01", path: ["t"] }), { code: "CLOSED" });
  const fault = new Error("in the timer");
  faults.push(fault);
  await sends(2);
  assert.deepEqual(sent, ["CON 0.01 0", "CON 0.01 0"]);
  assert.deepEqual(failures, [fault]);
  await service.close(1);
  await closed;
});

test("close waits for answers that are due, takes in nothing more, and closes the transport", async () => {
  const { transport, sent, receive } = fakeTransport();
  let answer: () => void = () => {};
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const service = openEndpoint(transport, {
    handler: async () => {
      await slow;
      return { code: "2.04" };
    },
  });
  receive(request());
  const closing = service.close(60_000);
  receive(request({ messageId: 2 }));
  answer();
  await closing;
  assert.deepEqual(sent, ["ACK 2.04 1"]);
  assert.equal(service.counters.request, 1);
  await service.closed;
});

test("a handler that never answers does not hold up closing, and a lost transport is told", async () => {
  const hanging = fakeTransport();
  const service = openEndpoint(hanging.transport, { handler: () => new Promise(() => {}) });
  hanging.receive(request());
  await service.close(1);
  const lost = fakeTransport();
  const second = openEndpoint(lost.transport, { handler: async () => ({ code: "2.04" }) });
  lost.lose(new Error("gone"));
  await assert.rejects(second.closed, /gone/);
});

test("without a handler there is nothing here: 4.04", async () => {
  const { transport, sent, sends, receive } = fakeTransport();
  const service = openEndpoint(transport);
  receive(request());
  await sends(1);
  assert.deepEqual(sent, ["ACK 4.04 1"]);
  await service.close();
});

async function client(context: TestContext): Promise<Socket> {
  const socket = createSocket("udp4");
  context.after(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

test("UDP: a request and its answer over the loopback", async (context) => {
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  const service = openEndpoint(transport, { handler: async ({ peer }) => ({ code: "2.05", payload: peer.address }) });
  const socket = await client(context);
  socket.send(request({ code: "0.01" }), transport.local.port, "127.0.0.1");
  const [answer] = (await once(socket, "message")) as [Buffer];
  const parsed = parseMessage(answer);
  assert.ok(parsed.ok);
  assert.deepEqual([parsed.message.code, Buffer.from(parsed.message.payload).toString()], ["2.05", "127.0.0.1"]);
  await service.close();
  await service.closed;
});

test("UDP: a port that is taken rejects with EADDRINUSE, an address of others with another code", async () => {
  const first = await openUdp({ host: "127.0.0.1", port: 0 });
  await assert.rejects(openUdp({ host: "127.0.0.1", port: first.local.port }), { code: "EADDRINUSE" });
  await assert.rejects(openUdp({ host: "192.0.2.77", port: 0 }), { code: "EADDRNOTAVAIL" });
  await first.close();
  await first.close();
  const again = await openUdp({ host: "127.0.0.1", port: first.local.port });
  await again.close();
});

test("UDP: what cannot be sent is counted and never thrown", async () => {
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  transport.send(request(), { id: "x", address: "127.0.0.1", port: 0 });
  assert.equal(transport.unsent, 1);
  const tooLong = new Uint8Array(70_000);
  transport.send(tooLong, { id: "x", address: "127.0.0.1", port: transport.local.port });
  // The socket reports it later: after the datagram that is sent after it came in.
  await new Promise<void>((resolve) => {
    transport.listen({ datagram: () => resolve() });
    transport.send(request(), { id: "x", address: "127.0.0.1", port: transport.local.port });
  });
  assert.equal(transport.unsent, 2);
  await transport.close();
  transport.send(request(), { id: "x", address: "127.0.0.1", port: 9 });
});
