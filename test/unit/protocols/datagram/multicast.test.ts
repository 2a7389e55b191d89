import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { type DatagramTransport, openUdp, type Peer } from "../../../../src/protocols/datagram/index.js";
import { eventually } from "../../../support/eventually.js";

const GROUP = "224.0.1.187";

interface Heard {
  readonly text: string;
  readonly multicast: boolean;
  readonly peer: Peer;
}

/** The interface of 127.0.0.1: `lo` on Linux. */
function loopback(): string {
  for (const [name, infos = []] of Object.entries(networkInterfaces()))
    if (infos.some(({ address }) => address === "127.0.0.1")) return name;
  throw new Error("no interface has 127.0.0.1");
}

/** An interface with a link-local address, for groups of IPv6, which loopback has no route to. */
function linkLocal(): string | undefined {
  return Object.entries(networkInterfaces()).find(([, infos = []]) =>
    infos.some(({ family, address }) => family === "IPv6" && address.startsWith("fe80:")),
  )?.[0];
}

async function open(context: TestContext, host: string, groups: readonly string[], name = loopback()) {
  const transport = await openUdp({ host, port: 0, multicast: { groups, interfaces: [name] } });
  context.after(() => transport.close());
  const heard: Heard[] = [];
  transport.listen({
    datagram: (bytes, peer, multicast) => void heard.push({ text: Buffer.from(bytes).toString(), multicast, peer }),
  });
  return { transport, heard };
}

/** Sends to groups by one interface; nothing leaves this machine. */
async function sender(context: TestContext, host: string, via: string): Promise<Socket> {
  const socket = createSocket(isIPv4(host) ? "udp4" : "udp6");
  context.after(() => socket.close());
  socket.bind(0, host);
  await once(socket, "listening");
  socket.setMulticastInterface(via);
  socket.setMulticastTTL(isIPv4(host) ? 1 : 0);
  return socket;
}

/** One datagram to the group and one to the address: each is heard once, and told from the other. */
async function tells(
  { transport, heard }: { transport: DatagramTransport; heard: Heard[] },
  socket: Socket,
  group: string,
  address: string,
): Promise<void> {
  const { port } = transport.local;
  socket.send("to the group", port, group);
  socket.send("to it", port, address);
  await eventually(() => heard.length >= 2, "both are heard");
  // What came twice would have come before this one.
  socket.send("last", port, address);
  await eventually(() => heard.some(({ text }) => text === "last"), "the last one is heard");
  assert.deepEqual(heard.map(({ text, multicast }) => [text, multicast]).toSorted(), [
    ["last", false],
    ["to it", false],
    ["to the group", true],
  ]);
  // Its sender is the same peer both ways, and the answer reaches it.
  assert.equal(new Set(heard.map(({ peer }) => peer.id)).size, 1);
  const answer = once(socket, "message");
  transport.send(Buffer.from("answer"), (heard[0] as Heard).peer);
  const [, from] = (await answer) as [Buffer, { port: number }];
  assert.equal(from.port, port);
}

for (const [host, address] of [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::", "127.0.0.1"],
] as const) {
  test(`on ${host} what was sent to an IPv4 group is told from the rest`, async (context) => {
    const opened = await open(context, host, [GROUP, "ff02::fd"]);
    await tells(opened, await sender(context, "127.0.0.1", "127.0.0.1"), GROUP, address);
  });
}

test("the same of IPv6 groups", async (context) => {
  const name = linkLocal();
  if (name === undefined) {
    context.diagnostic("no interface of this machine has a link-local address: nothing was tested");
    return;
  }
  for (const group of [`ff02::fd%${name}`, "ff05::fd"]) {
    const opened = await open(context, "::", [GROUP, "ff02::fd", "ff05::fd"], name);
    const socket = await sender(context, "::", `::%${name}`);
    const own = networkInterfaces()[name]?.find(({ address }) => address.startsWith("fe80:"))?.address ?? "";
    // From one source address to both, or it would be two peers.
    if (group === `ff02::fd%${name}`) await tells(opened, socket, group, `${own}%${name}`);
    else {
      socket.send("site", opened.transport.local.port, group);
      await eventually(() => opened.heard.length > 0, "the group hears it");
      assert.deepEqual(opened.heard[0]?.multicast, true);
    }
  }
});

test("two may belong to a group on one port, each with an address of its own; both hear", async (context) => {
  const first = await open(context, "127.0.0.1", [GROUP]);
  const { port } = first.transport.local;
  const second = await openUdp({ host: "127.0.0.2", port, multicast: { groups: [GROUP], interfaces: [loopback()] } });
  context.after(() => second.close());
  const heard: boolean[] = [];
  second.listen({ datagram: (_bytes, _peer, multicast) => void heard.push(multicast) });
  (await sender(context, "127.0.0.1", "127.0.0.1")).send("x", port, GROUP);
  await eventually(() => heard.length === 1 && first.heard.length === 1, "both hear it");
  assert.deepEqual([heard[0], first.heard[0]?.multicast], [true, true]);
});

test("the port is not shared with a stranger, and is free again afterwards", async () => {
  const multicast = { groups: [GROUP], interfaces: [loopback()] };
  const first = await openUdp({ host: "0.0.0.0", port: 0, multicast });
  const { port } = first.local;
  await assert.rejects(openUdp({ host: "0.0.0.0", port, multicast }), { code: "EADDRINUSE" });
  await assert.rejects(openUdp({ host: "0.0.0.0", port }), { code: "EADDRINUSE" });
  await first.close();
  await (await openUdp({ host: "0.0.0.0", port })).close();
});

test("an interface that is not there is named, and nothing stays open", async () => {
  const multicast = { groups: [GROUP], interfaces: ["nowhere0"] };
  const free = await openUdp({ host: "127.0.0.1", port: 0 });
  const { port } = free.local;
  await free.close();
  await assert.rejects(openUdp({ host: "127.0.0.1", port, multicast }), /no interface nowhere0: there are .*lo/);
  await (await openUdp({ host: "127.0.0.1", port })).close();
});

test("without names it is all interfaces that lead to others, if there are any", async () => {
  const transport = await openUdp({ host: "0.0.0.0", port: 0, multicast: { groups: [GROUP], interfaces: true } });
  await transport.close();
});
