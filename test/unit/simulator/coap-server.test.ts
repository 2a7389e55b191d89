import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import type { Entry } from "../../../src/core/journal.js";
import type { CoapAnswer } from "../../../src/profile/index.js";
import { type IncomingResponse, openEndpoint } from "../../../src/protocols/coap/index.js";
import { openUdp } from "../../../src/protocols/datagram/index.js";
import { serveCoapDevice } from "../../../src/simulator/coap-server.js";
import { eventually } from "../../support/eventually.js";

const GET = "0.01";

async function setup(t: TestContext) {
  const world = { value: 1, commands: [] as string[] };
  const entries: Entry[] = [];
  const device = await serveCoapDevice({
    device: {
      reads: [],
      state: ({ path, query }): CoapAnswer | undefined =>
        path.join("/") === "a/b" && query.length === 0
          ? { contentFormat: 50, payload: Buffer.from(`${world.value}`) }
          : undefined,
      command(method, { path, query }, payload) {
        world.commands.push(`${method} ${path.join("/")}?${query.join("&")} ${Buffer.from(payload).toString()}`);
        return path[0] === "bad" ? "bad_request" : "done";
      },
    },
    every: 10,
    now: () => 0,
    journal: (entry) => entries.push(entry),
    at: "lamp",
  });
  t.after(() => device.close());
  const client = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }));
  t.after(() => client.close(0));
  const peer = await client.connect({ address: "127.0.0.1", port: device.port });
  return { world, entries, client, peer, port: device.port };
}

const text = ({ payload }: IncomingResponse): string => Buffer.from(payload).toString();

test("what is there is read, what is not is 4.04", async (t) => {
  const { client, peer } = await setup(t);
  const answer = await client.request(peer, { method: GET, path: ["a", "b"] });
  assert.deepEqual([answer.code, answer.contentFormat, text(answer)], ["2.05", 50, "1"]);
  assert.equal((await client.request(peer, { method: GET, path: ["a"] })).code, "4.04");
  assert.equal((await client.request(peer, { method: GET, path: ["a", "b"], query: ["x=1"] })).code, "4.04");
});

test("commands are carried out, and what they change is told to those who observe", async (t) => {
  const { client, peer, world } = await setup(t);
  const heard: string[] = [];
  const request = { method: GET, path: ["a", "b"] } as const;
  const observation = client.observe(peer, request, { next: (state) => void heard.push(text(state)), ended: () => {} });
  await eventually(() => heard.length === 1, "the first state");
  world.value = 2;
  await eventually(() => heard.at(-1) === "2", "the change");
  const put = await client.request(peer, { method: "0.03", path: ["x"], query: ["k=1"], payload: Buffer.from("on") });
  assert.equal(put.code, "2.04");
  assert.equal((await client.request(peer, { method: "0.02", path: ["bad"] })).code, "4.00");
  assert.deepEqual(world.commands, ["put x?k=1 on", "post bad? "]);
  await observation.cancel();
  world.value = 3;
  await client.request(peer, { method: "0.02", path: ["x"] });
  assert.deepEqual(heard, ["1", "2"]);
});

test("what is no CoAP, and what npm coap throws at, ends nothing", async (t) => {
  const { client, peer, port } = await setup(t);
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  // No CoAP; a Block1 option of length 0 and of length 4; token length 9; a truncated option; an empty datagram.
  for (const hex of ["00", "400101", "4002000160b0", "40020002d40e00000000", "49010003", "4001000450", ""]) {
    socket.send(Buffer.from(hex, "hex"), port, "127.0.0.1");
  }
  assert.equal((await client.request(peer, { method: GET, path: ["a", "b"] })).code, "2.05");
});

test("of more observers than a device has room for the first goes", async (t) => {
  const { client, peer, world } = await setup(t);
  const heard = new Map<number, string[]>();
  for (let index = 0; index < 40; index++) {
    const states: string[] = [];
    heard.set(index, states);
    const request = { method: GET, path: ["a", "b"] } as const;
    client.observe(peer, request, { next: (state) => void states.push(text(state)), ended: () => {} });
    await eventually(() => states.length === 1, `the first state of observer ${index}`);
  }
  world.value = 2;
  await eventually(() => heard.get(39)?.at(-1) === "2", "the last one hears of it");
  await eventually(() => heard.get(8)?.at(-1) === "2", "and the first that is left");
  assert.deepEqual(heard.get(7), ["1"]);
});
