import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext as NodeTest, test } from "node:test";
import { type OpenPort, openSystemPort } from "../../adapters/serial/index.js";
import { openSession, type SessionOptions } from "../../adapters/serial/session.js";
import type { Session } from "../../src/core/adapter.js";
import { superviseLink } from "../../src/link/index.js";
import type { Poll } from "../../src/profile/index.js";
import { needs } from "../support/peers.js";
import { openPty, type Pty } from "../support/pty.js";
import { type FarEnd, openFarEnd, replay } from "../support/serial-replay.js";
import {
  bytes,
  collect,
  command,
  isCode,
  lineCodec,
  lineProfile,
  type TestContext,
  testContext,
} from "../unit/adapters/serial/fixtures.js";

const guard = { ...needs("socat"), timeout: 60_000 };

function options(path: string, more: Partial<SessionOptions> & { polls?: readonly Poll[] } = {}): SessionOptions {
  const codec = lineCodec(more.polls);
  const line = { ...codec.line, baudRate: 115_200 };
  return { device: "air", profile: lineProfile, codec, path, line, idle: undefined, openPort: openSystemPort, ...more };
}

interface Wire {
  readonly pty: Pty;
  readonly far: FarEnd;
  readonly session: Session;
  readonly context: TestContext;
}

async function wire(t: NodeTest, more: Partial<SessionOptions> & { polls?: readonly Poll[] } = {}): Promise<Wire> {
  const pty = await openPty();
  const far = await openFarEnd(pty.far);
  const context = testContext();
  const session = await openSession(options(pty.near, more), context);
  t.after(async () => {
    await session.close();
    await far.close();
    await pty.close();
  });
  return { pty, far, session, context };
}

const values = (context: TestContext) => context.readings.items.map((reading) => reading.value);

test("readings arrive through a real port, however the bytes are cut", guard, async (t) => {
  const { far, context } = await wire(t);
  const lines = Array.from({ length: 50 }, (_, n) => `temperature=${n},humidity=${100 - n}\n`).join("");
  await replay(far, bytes(lines), { split: 3 });
  await context.readings.count(100);
  assert.deepEqual(values(context), Array.from({ length: 50 }, (_, n) => [n, 100 - n]).flat());
  assert.deepEqual(context.entries.items, []);
});

test("all 256 byte values pass unchanged, both ways", guard, async (t) => {
  const pty = await openPty();
  const far = await openFarEnd(pty.far);
  const all = Uint8Array.from({ length: 256 }, (_, n) => n);
  const chunks = collect<Uint8Array>();
  const port = await openSystemPort(
    pty.near,
    options(pty.near).line,
    { data: (chunk) => chunks.push(Uint8Array.from(chunk)), lost: (why) => assert.fail(why) },
    new AbortController().signal,
  );
  t.after(async () => {
    await port.close();
    await far.close();
    await pty.close();
  });
  await far.send(all);
  await port.write(all);
  assert.deepEqual(Uint8Array.from(await far.receive(256)), all);
  const whole = () => Buffer.concat(chunks.items);
  while (whole().length < 256) await chunks.count(chunks.items.length + 1);
  assert.deepEqual(Uint8Array.from(whole()), all);
});

test("a command's bytes reach the device and its answer ends it", guard, async (t) => {
  const { far, session, context } = await wire(t);
  far.answer((piece) => (piece.includes("\n") ? bytes("OK\n") : undefined));
  await session.execute(command("write", "level", { value: 7 }));
  assert.equal(far.received.toString(), "SET 7\n");
  far.answer(() => undefined);
  await assert.rejects(session.execute(command("write", "level", { value: 8 })), isCode("DEVICE_NO_ANSWER"));
  assert.deepEqual(context.readings.items, []);
});

test("a polled device is asked again and again", guard, async (t) => {
  const resources = new Set(["temperature"]);
  const poll: Poll = { request: bytes("T?\n"), every: 20, answers: ["values"], resources, timeout: 5_000 };
  const { far, context } = await wire(t, { polls: [poll] });
  let asked = 0;
  far.answer(() => {
    asked += 1;
    return bytes(`temperature=${asked}\n`);
  });
  // The first question may have been asked before there was somebody to answer it.
  await far.receive(3);
  if (asked === 0) await far.send(bytes("temperature=0\n"));
  await context.readings.count(3);
  assert.ok(asked >= 2);
});

test("a device that is unplugged loses its session; plugged in again it comes back by itself", guard, async (t) => {
  const pty = await openPty();
  t.after(() => pty.close());
  const context = testContext();
  const states = collect<string>();
  const adapter = { open: (given: Parameters<typeof openSession>[1]) => openSession(options(pty.near), given) };
  const link = superviseLink(
    { name: "serial:near", devices: ["air"], adapter, impliesOnline: true },
    { ...context, onState: ({ kind }) => states.push(kind), random: () => 0 },
  );
  t.after(() => link.close());
  const plugged = async (value: number) => {
    const far = await openFarEnd(pty.far);
    await far.send(bytes(`temperature=${value}\n`));
    await context.readings.first((reading) => reading.value === value);
    await far.close();
  };
  await states.first((state) => state === "up");
  await plugged(1);
  for (const round of [2, 3]) {
    await pty.unplug();
    await states.first(() => states.items.at(-1) === "waiting");
    assert.equal(link.session(), undefined);
    await pty.plug();
    await states.first(() => states.items.at(-1) === "up");
    await plugged(round);
  }
  const lost = context.entries.items.filter((entry) => entry.event === "link_lost");
  assert.equal(lost.length, 2);
  assert.match(lost[0]?.message ?? "", /near (failed|was unplugged)/);
});

test("a command under way when the plug is pulled ends at once", guard, async (t) => {
  const { pty, far, session } = await wire(t);
  const read = session.execute(command("read", "humidity"));
  const ended = assert.rejects(read, isCode("DEVICE_OFFLINE"));
  const closed = assert.rejects(session.closed, isCode("PORT_FAILED"));
  await replay(far, bytes("temperature=1\n"), { hangUp: () => pty.unplug() });
  await ended;
  await closed;
});

test("while nobody takes the readings the port is not read, and afterwards none is missing", guard, async (t) => {
  const pauses = collect<"pause">();
  let paused = false;
  let readWhilePaused = 0;
  const openPort: OpenPort = async (path, line, events, signal) => {
    const data = (chunk: Uint8Array) => {
      if (paused) readWhilePaused += chunk.length;
      events.data(chunk);
    };
    const port = await openSystemPort(path, line, { ...events, data }, signal);
    return {
      ...port,
      pause: () => {
        paused = true;
        port.pause();
        pauses.push("pause");
      },
      resume: () => {
        paused = false;
        port.resume();
      },
    };
  };
  const { far, context } = await wire(t, { openPort });
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let held = 0;
  context.gate = () => {
    held += 1;
    return gate;
  };
  const COUNT = 20_000;
  let sent = false;
  const sending = far.send(bytes(Array.from({ length: COUNT }, (_, n) => `temperature=${n}\n`).join(""))).then(() => {
    sent = true;
  });
  await pauses.count(1);
  assert.equal(held, 1, "the sink has one batch at a time");
  assert.equal(sent, false, "330 kB do not fit into any buffer on the way: the device had to wait");
  open();
  await sending;
  await context.readings.count(COUNT);
  assert.deepEqual(
    values(context),
    Array.from({ length: COUNT }, (_, n) => n),
  );
  assert.equal(readWhilePaused, 0);
  assert.deepEqual(context.entries.items, []);
});

test("a port in use is told as such, and free as soon as it is closed", guard, async (t) => {
  const { pty, session } = await wire(t);
  await assert.rejects(openSession(options(pty.near), testContext()), (error: Error) => {
    return isCode("PORT_BUSY")(error) && /near is in use by another program/.test(error.message);
  });
  await session.close();
  const again = await openSession(options(pty.near), testContext());
  await again.close();
});

test("what is no port is told apart before it is opened", guard, async (t) => {
  const pty = await openPty();
  t.after(() => pty.close());
  const folder = dirname(pty.near);
  await assert.rejects(openSession(options(join(folder, "none")), testContext()), isCode("PORT_NOT_FOUND"));
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(openSession(options(join(folder, "file")), testContext()), /is not a serial port/);
  await assert.rejects(openSession(options("/dev/null"), testContext()), isCode("PORT_FAILED"));
});

test("an aborted signal keeps a port closed", guard, async (t) => {
  const pty = await openPty();
  t.after(() => pty.close());
  const context = testContext();
  context.stop.abort();
  await assert.rejects(openSession(options(pty.near), context), isCode("CLOSED"));
  const session = await openSession(options(pty.near), testContext());
  await session.close();
});

test("a noisy line costs readings but nothing else, and every byte is counted", guard, async (t) => {
  const { far, session, context } = await wire(t);
  const lines = Array.from({ length: 200 }, (_, n) => `temperature=${n}\n`).join("");
  await replay(far, bytes(lines), { split: 7, noise: 0.02, drop: 0.02, seed: 7 });
  await far.send(bytes("\nhumidity=1\n"));
  await context.readings.first((reading) => reading.resource === "humidity");
  await session.close();
  const events = new Set(context.entries.items.map((entry) => entry.event));
  assert.ok(events.has("serial_unmatched"));
  for (const event of events) assert.match(event, /^serial_(unmatched|discarded)$/);
  assert.ok(context.readings.items.length > 100);
});
