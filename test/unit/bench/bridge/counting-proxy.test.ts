import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { countingProxy } from "../../../../bench/bridge/counting-proxy.js";

test("bytes pass both ways and are counted, and an end is passed on", async () => {
  const upstream = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(Uint8Array.of(0x40, 2, 0, 1)));
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const address = upstream.address();
  assert.ok(address !== null && typeof address === "object");
  const proxy = await countingProxy(address.port);
  try {
    assert.equal(proxy.up === undefined, true);
    const client = connect(proxy.port, "127.0.0.1");
    client.write(Uint8Array.of(0x32, 5, 0, 1, 0x61, 0, 1));
    const [answer] = (await once(client, "data")) as [Buffer];
    assert.deepEqual([...answer], [0x40, 2, 0, 1]);
    assert.deepEqual([proxy.up?.bytes, proxy.up?.count(3)], [7, 1]);
    assert.deepEqual([proxy.down?.bytes, proxy.down?.count(4)], [4, 1]);
    const closed = once(client, "close");
    await proxy.close();
    await closed;
  } finally {
    upstream.close();
  }
});
