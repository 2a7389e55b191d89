import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { WebSocketStream } from "../../../../src/broker/listeners/websocket/stream.js";
import { eventually } from "../../../support/eventually.js";

/** Both ends of a WebSocket: the broker's as a stream. */
async function pair(t: TestContext): Promise<{ stream: WebSocketStream; client: WebSocket; frames: Buffer[] }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, autoPong: false });
  await once(server, "listening");
  const made = once(server, "connection") as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const frames: Buffer[] = [];
  client.on("message", (data: Buffer) => frames.push(data));
  const [socket] = await made;
  const stream = new WebSocketStream(socket);
  if (client.readyState !== client.OPEN) await once(client, "open");
  t.after(() => {
    client.terminate();
    stream.destroy();
    server.close();
  });
  return { stream, client, frames };
}

test("what is written in one turn goes out in few frames, in order, none longer than 16 KiB unless one chunk is", async (t) => {
  const { stream, frames } = await pair(t);
  const chunks = Array.from({ length: 1000 }, (_, index) => Buffer.alloc(index === 500 ? 40_000 : 100, index % 251));
  stream.cork();
  for (const chunk of chunks) stream.write(chunk);
  stream.uncork();
  const whole = Buffer.concat(chunks);
  await eventually(() => frames.reduce((sum, { length }) => sum + length, 0) === whole.length, "all has come");
  assert.ok(Buffer.concat(frames).equals(whole));
  assert.ok(frames.length <= 9, `${frames.length}`);
  assert.deepEqual(
    frames.filter(({ length }) => length > 16 * 1024).map(({ length }) => length),
    [40_000],
  );
});

test("a reader that is slow holds the sender back", async (t) => {
  const [slow, quick] = [await pair(t), await pair(t)];
  const chunk = Buffer.alloc(64 * 1024);
  const count = 400;
  const send = (client: WebSocket): void => {
    for (let n = 0; n < count; n++) client.send(chunk);
  };
  const read = async (stream: WebSocketStream): Promise<void> => {
    let got = 0;
    stream.on("data", (data: Buffer) => {
      got += data.length;
    });
    await eventually(() => got === count * chunk.length, "all has come");
  };
  send(slow.client);
  send(quick.client);
  // By then the slow one's would have come as well.
  await read(quick.stream);
  assert.ok(slow.client.bufferedAmount > 0);
  assert.ok(slow.stream.readableLength <= 4 * chunk.length, `${slow.stream.readableLength}`);
  await read(slow.stream);
});

test("its end and its destruction close the WebSocket, and the other way round", async (t) => {
  const ended = await pair(t);
  ended.stream.resume().end("last");
  const [code] = (await once(ended.client, "close")) as [number];
  assert.equal(code, 1000);
  assert.equal(Buffer.concat(ended.frames).toString(), "last");
  await eventually(() => ended.stream.destroyed, "the stream is over");

  const destroyed = await pair(t);
  destroyed.stream.destroy();
  await once(destroyed.client, "close");

  const left = await pair(t);
  left.stream.resume();
  left.client.close();
  await eventually(() => left.stream.destroyed, "the stream is over");
  const error = await new Promise((resolve) => left.stream.write("late", resolve));
  assert.ok(error instanceof Error);

  const broken = await pair(t);
  broken.stream.on("error", () => {}).resume();
  broken.client.terminate();
  await eventually(() => broken.stream.destroyed, "the stream is over");
});
