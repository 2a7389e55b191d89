import assert from "node:assert/strict";
import { test } from "node:test";
import { type FarSide, mockPorts } from "../../../../adapters/serial/index.js";
import { openSession, type SessionOptions } from "../../../../adapters/serial/session.js";
import { bytes, command, isCode, lineCodec, lineProfile, testContext } from "./fixtures.js";

function options(path: string, openPort: SessionOptions["openPort"]): SessionOptions {
  const codec = lineCodec();
  return { device: "air", profile: lineProfile, codec, path, line: codec.line, idle: undefined, openPort };
}

test("a device plays the far side of serialport's own mock", async () => {
  let far: FarSide | undefined;
  let ended = 0;
  const device = {
    opened: (side: FarSide) => {
      far = side;
      return () => {
        ended += 1;
      };
    },
    received: (request: Uint8Array, side: FarSide) => {
      if (Buffer.from(request).toString() === "SET 3\n") side.send(bytes("OK\n"));
    },
  };
  const openPort = mockPorts(new Map([["mock:device", device]]));
  const context = testContext();
  const session = await openSession(options("mock:device", openPort), context);
  far?.send(bytes("temperature=4\ntemper"));
  far?.send(bytes("ature=5\n"));
  assert.deepEqual(
    (await context.readings.count(2)).map((reading) => reading.value),
    [4, 5],
  );
  await session.execute(command("write", "level", { value: 3 }));

  await assert.rejects(openSession(options("mock:device", openPort), context), /in use by another program/);
  await session.close();
  await session.closed;
  assert.equal(ended, 1);
  far?.send(bytes("temperature=6\n"));

  const again = await openSession(options("mock:device", openPort), context);
  far?.send(bytes("temperature=7\n"));
  assert.equal((await context.readings.count(3))[2]?.value, 7, "what was sent while nobody listened is lost");
  await again.close();
});

test("a path without a device is not there", async () => {
  const opening = openSession(options("mock:none", mockPorts(new Map())), testContext());
  await assert.rejects(opening, isCode("PORT_NOT_FOUND"));
});
