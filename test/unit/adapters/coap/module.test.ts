import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { address, listenAddress, settings } from "../../../../adapters/coap/config.js";
import { coap } from "../../../../adapters/coap/index.js";
import { openSession } from "../../../../adapters/coap/posted/session.js";
import type { LinkContext } from "../../../../src/core/adapter.js";
import { eventually } from "../../../support/eventually.js";
import { connect } from "./client.js";
import { device, NOW, open } from "./fixture.js";

function context(signal = new AbortController().signal): LinkContext {
  return { sink: async () => {}, journal: () => {}, now: () => NOW, signal };
}

test("settings have defaults, and say what is wrong", () => {
  assert.deepEqual(settings.parse({}), {
    listen: ["udp://127.0.0.1:5683"],
    maxPayload: 65_536,
    maxPending: 1024,
    echo: "amplification",
    multicast: false,
    dtls: undefined,
    pubsub: undefined,
  });
  for (const listen of ["udp://0.0.0.0", "udp://[::]:5683", "udp://[fe80::1%eth0]:1", "udp://localhost:65535"]) {
    assert.equal(settings.safeParse({ listen }).success, true, listen);
  }
  for (const listen of [
    "",
    "tcp://0.0.0.0:1",
    "udp://",
    "udp://:5683",
    "udp://a:65536",
    "udp://a:x",
    "udp://a:1/b",
    "0.0.0.0:1",
    "udp://::1:5",
  ]) {
    assert.equal(settings.safeParse({ listen }).success, false, listen);
  }
  assert.deepEqual(listenAddress("udp://[::1]:7"), { secure: false, host: "::1", port: 7 });
  assert.deepEqual(listenAddress("udp://a.example"), { secure: false, host: "a.example", port: 5683 });
});

test("an address is a path, an object with one, or nothing", () => {
  for (const [given, path] of [
    [undefined, undefined],
    [{}, undefined],
    ["air", ["air"]],
    ["/plant/air", ["plant", "air"]],
    [{ path: "plant/air" }, ["plant", "air"]],
  ] as const) {
    assert.deepEqual(address.parse(given), { path, identity: undefined, server: undefined });
  }
  for (const given of ["", "/", "a//b", "a/b/c/d/e", ".well-known", "a b", "a?b", { path: "a", port: 1 }, 5]) {
    assert.equal(address.safeParse(given).success, false, JSON.stringify(given));
  }
});

test("two devices on one path, and a device on the path of a resource, are problems", () => {
  const problems = (...devices: ReturnType<typeof device>[]): string[] =>
    coap
      .check(settings.parse({}), devices)
      .map((problem) => `${problem.device} ${problem.path.join(".")}: ${problem.message}`);
  assert.deepEqual(problems(device("a"), device("b"), device("c", undefined, "x/c")), []);
  assert.deepEqual(problems(device("a"), device("b", undefined, "a")), ["b address: the path /a belongs to device a"]);
  assert.deepEqual(problems(device("b", undefined, "a/b"), device("a")), [
    "b address: the path /a/b is that of a resource of device a",
  ]);
});

test("all devices are one link; without devices there is none", () => {
  const links = coap.links(settings.parse({ listen: "udp://[::]:5683" }), [device("a"), device("b")]);
  assert.deepEqual(
    links.map(({ name, devices, impliesOnline }) => ({ name, devices, impliesOnline })),
    [{ name: "coap:udp://[::]:5683", devices: ["a", "b"], impliesOnline: false }],
  );
  assert.deepEqual(coap.links(settings.parse({}), []), []);
});

test("the link's adapter listens and serves", async (t) => {
  const port = await new Promise<number>((resolve) => {
    const probe = createSocket("udp4");
    probe.bind(0, "127.0.0.1", () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const [link] = coap.links(settings.parse({ listen: `udp://127.0.0.1:${port}` }), [device("a")]);
  assert.ok(link !== undefined);
  const session = await link.adapter.open(context());
  const client = await connect(port);
  t.after(() => client.close());
  assert.equal((await client.ask({ path: "a/x", payload: "1" })).code, "2.04");
  await session.close();
  await session.closed;
});

test("a port that is taken is ADDRESS_IN_USE, a strange address LISTEN_FAILED: both name it", async (t) => {
  const taken = createSocket("udp4");
  t.after(() => taken.close());
  taken.bind(0, "127.0.0.1");
  await once(taken, "listening");
  const listen = `udp://127.0.0.1:${taken.address().port}`;
  const message = new RegExp(listen.replaceAll(".", "\\."));
  await assert.rejects(openSession(settings.parse({ listen }), [], context()), { code: "ADDRESS_IN_USE", message });
  await assert.rejects(openSession(settings.parse({ listen: "udp://192.0.2.77:5683" }), [], context()), {
    code: "LISTEN_FAILED",
    message: /udp:\/\/192\.0\.2\.77:5683/,
  });
});

test("abort closes the session; an open that comes too late is refused", async () => {
  const controller = new AbortController();
  const session = await openSession(
    settings.parse({ listen: "udp://127.0.0.1:0" }),
    [device("a")],
    context(controller.signal),
  );
  controller.abort();
  await session.closed;
  await assert.rejects(openSession(settings.parse({ listen: "udp://127.0.0.1:0" }), [], context(controller.signal)), {
    code: "CLOSED",
  });
});

test("a device that posts cannot be commanded", async () => {
  const session = await openSession(settings.parse({ listen: "udp://127.0.0.1:0" }), [device("a")], context());
  const command = { id: "1", device: "a", resource: "x", action: "write", value: 1, deadline: NOW + 1 } as const;
  await assert.rejects(session.execute(command), { code: "ACTION_UNSUPPORTED", message: /a\/x/ });
  await session.close();
});

test("what is not CoAP is counted with its reason", async (t) => {
  const { entries, port, ask } = await open(t, [device("a")]);
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.send(Buffer.from([0x40, 1]), port, "127.0.0.1");
  await eventually(() => entries.length > 1, "the datagram is counted");
  socket.send(Buffer.from([0x80, 1, 0, 1]), port, "127.0.0.1");
  await eventually(() => entries.length > 2, "the second is counted");
  assert.deepEqual(
    entries.slice(1).map(({ event, reason }) => [event, reason]),
    [
      ["coap_discarded", "malformed"],
      ["coap_discarded", "version"],
    ],
  );
  assert.equal((await ask({ path: "a/x", payload: "1" })).code, "2.04");
});
