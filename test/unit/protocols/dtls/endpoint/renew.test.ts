import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, Network, type Node, pskClient } from "./network.js";

const OTHER_KEY = Buffer.alloc(16, 9);
const CHANGE_CIPHER_SPEC = 20;

/** A server whose keys can be changed, and devices that have some. */
function setup() {
  const network = new Network();
  const keys = new Map<string, Uint8Array>([
    ["device-1", KEY],
    ["device-2", KEY],
  ]);
  const server = network.add("10.0.0.1", { server: { psk: { lookup: (identity) => keys.get(identity) } } });
  const device = (n: number): Node => network.add(`10.0.1.${n}`, pskClient(`device-${n}`));
  const renew = (): void => {
    server.run(server.endpoint.renew({ keys: [] }));
    network.settle();
  };
  return { network, keys, server, device, renew };
}

test("sessions whose key was changed or taken away end, and their devices hear of it", () => {
  const { network, keys, server, device, renew } = setup();
  const devices = [device(1), device(2)];
  keys.set("device-3", KEY);
  devices.push(device(3));
  for (const each of devices) each.connect(server);
  network.settle();
  assert.equal(server.endpoint.sizes.open, 3);
  keys.set("device-1", OTHER_KEY);
  keys.delete("device-2");
  renew();
  assert.deepEqual(
    devices.map(({ ended }) => ended.map(({ reason }) => reason)),
    [["peer_closed"], ["peer_closed"], []],
  );
  assert.equal(server.endpoint.sizes.open, 1);
});

test("the same for a session that was resumed", () => {
  const { network, keys, server, device, renew } = setup();
  const first = device(1);
  const peer = first.connect(server);
  network.settle();
  first.run(first.endpoint.disconnect(peer));
  network.settle();
  first.connect(server);
  network.settle();
  assert.equal(server.endpoint.counters.resumed, 1);
  renew();
  assert.equal(server.endpoint.sizes.open, 1);
  keys.set("device-1", OTHER_KEY);
  renew();
  assert.equal(server.endpoint.sizes.open, 0);
});

test("a handshake that has used the old key does not end in a session when it is held back", () => {
  const { network, keys, server, device, renew } = setup();
  let held: Uint8Array | undefined;
  // The key exchange comes through, the Finished behind it does not.
  network.loses = ({ bytes, to }) => {
    if (bytes[0] === CHANGE_CIPHER_SPEC || to.id !== server.at.id) return false;
    const at = Buffer.from(bytes).indexOf(Buffer.of(CHANGE_CIPHER_SPEC, 0xfe, 0xfd));
    if (at < 0 || held !== undefined) return false;
    held = bytes.subarray(at);
    server.run(server.endpoint.receive(bytes.subarray(0, at), first.at, network.time));
    return true;
  };
  const first = device(1);
  first.connect(server);
  network.settle();
  assert.ok(held !== undefined && server.endpoint.sizes.shaking === 1);
  keys.delete("device-1");
  renew();
  server.run(server.endpoint.receive(held, first.at, network.time));
  assert.deepEqual(server.endpoint.sizes, { shaking: 0, open: 0, resumable: 0 });
});

test("a client's handshake that began before is not resumed after", () => {
  const { network, server, device } = setup();
  const client = device(1);
  client.connect(server);
  client.run(client.endpoint.renew({ keys: [] }));
  network.settle();
  assert.deepEqual(client.endpoint.sizes, { shaking: 0, open: 1, resumable: 0 });
});
