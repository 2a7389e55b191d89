import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Port, PortEvents } from "../../../../adapters/serial/port.js";
import { openSession, type SessionOptions } from "../../../../adapters/serial/session.js";
import { WeirError } from "../../../../src/core/errors.js";
import type { Poll } from "../../../../src/profile/index.js";
import { bytes, command, isCode, lineCodec, lineProfile, testContext } from "./fixtures.js";

/** A port in memory: the device is the function that answers what is written. */
function fakePort(answer: (request: string) => string | undefined = () => undefined) {
  const calls: string[] = [];
  const written: string[] = [];
  let events: PortEvents | undefined;
  const port: Port = {
    write: async (request) => {
      const text = Buffer.from(request).toString().trim();
      written.push(text);
      const reply = answer(text);
      if (reply !== undefined) events?.data(bytes(reply));
    },
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
    close: async () => {
      calls.push("close");
    },
  };
  const openPort: SessionOptions["openPort"] = async (_path, _line, given) => {
    events = given;
    return port;
  };
  return {
    openPort,
    calls,
    written,
    send: (text: string) => events?.data(bytes(text)),
    lose: (why: string) => events?.lost(new WeirError("PORT_FAILED", why)),
  };
}

/** Asked once in a test, and then by its reads. */
function hourly(request: string, resources: readonly string[], answers: readonly string[] = ["values"]): Poll {
  return { request: bytes(request), every: 3_600_000, answers, resources: new Set(resources), timeout: 1000 };
}

async function setup(far = fakePort(), more: Partial<SessionOptions> & { polls?: readonly Poll[] } = {}) {
  const context = testContext();
  const codec = lineCodec(more.polls);
  const options: SessionOptions = {
    device: "air",
    profile: lineProfile,
    codec,
    path: "/dev/ttyTEST",
    line: codec.line,
    idle: undefined,
    openPort: far.openPort,
    ...more,
  };
  return { context, session: await openSession(options, context) };
}

test("what the device says becomes readings", async () => {
  const far = fakePort();
  const { context, session } = await setup(far);
  far.send("temperature=21.5\n");
  assert.equal((await context.readings.count(1))[0]?.value, 21.5);
  await session.close();
  await session.closed;
  assert.deepEqual(far.calls, ["close"]);
});

test("a lost port rejects `closed` with the reason, after the port was freed", async () => {
  const far = fakePort();
  const { session } = await setup(far);
  far.lose("/dev/ttyTEST was unplugged");
  await assert.rejects(session.closed, /was unplugged/);
  assert.deepEqual(far.calls, ["close"]);
  await assert.rejects(session.execute(command("read", "temperature")), isCode("DEVICE_OFFLINE"));
  await session.close();
});

test("a port lost before the session was handed over is closed all the same", async () => {
  const far = fakePort();
  const openPort: SessionOptions["openPort"] = async (path, line, events, signal) => {
    const port = await far.openPort(path, line, events, signal);
    far.lose("gone at once");
    return port;
  };
  const { session } = await setup(far, { openPort });
  await assert.rejects(session.closed, /gone at once/);
  assert.deepEqual(far.calls, ["close"]);
});

test("the signal closes an open session, and gives up one that is opening", async () => {
  const far = fakePort();
  const { context, session } = await setup(far);
  context.stop.abort();
  await session.closed;
  assert.deepEqual(far.calls, ["close"]);

  const late = fakePort();
  const stopping = testContext();
  const codec = lineCodec();
  const opening = openSession(
    {
      device: "air",
      profile: lineProfile,
      codec,
      path: "/dev/ttyTEST",
      line: codec.line,
      idle: undefined,
      openPort: async (...rest) => {
        stopping.stop.abort();
        return late.openPort(...rest);
      },
    },
    stopping,
  );
  await assert.rejects(opening, isCode("CLOSED"));
  assert.deepEqual(late.calls, ["close"]);
});

test("a write is sent, and ends with the answer that the profile names", async () => {
  const far = fakePort((request) => (request === "SET 5" ? "OK\n" : undefined));
  const { session } = await setup(far);
  assert.equal(await session.execute(command("write", "level", { value: 5 })), undefined);
  assert.deepEqual(far.written, ["SET 5"]);
  await assert.rejects(session.execute(command("write", "level", { value: 6 })), isCode("DEVICE_NO_ANSWER"));
  await session.close();
});

test("an execute without an answer ends when it is sent", async () => {
  const far = fakePort();
  const { session } = await setup(far);
  await session.execute(command("execute", "reset"));
  assert.deepEqual(far.written, ["RESET"]);
  await session.close();
});

test("what cannot be done is refused before a byte is sent", async () => {
  const far = fakePort();
  const { session } = await setup(far);
  await assert.rejects(session.execute(command("write", "nothing", { value: 1 })), isCode("RESOURCE_UNKNOWN"));
  await assert.rejects(session.execute(command("write", "temperature", { value: 1 })), isCode("ACTION_UNSUPPORTED"));
  await assert.rejects(session.execute(command("read", "reset")), isCode("ACTION_UNSUPPORTED"));
  const late = command("write", "level", { value: 1, deadline: 1_700_000_000_000 });
  await assert.rejects(session.execute(late), isCode("COMMAND_EXPIRED"));
  assert.deepEqual(far.written, []);
  await session.close();
});

test("a read of a device that talks waits for the next value", async () => {
  const far = fakePort();
  const { session } = await setup(far);
  const read = session.execute(command("read", "humidity"));
  far.send("temperature=1\n");
  far.send("humidity=44\n");
  assert.equal(await read, 44);
  const none = session.execute(command("read", "humidity"));
  far.send("humidity=none\n");
  await assert.rejects(none, isCode("PAYLOAD_INVALID"));
  const expired = session.execute(command("read", "humidity", { deadline: 1_700_000_000_020 }));
  await assert.rejects(expired, isCode("DEVICE_NO_ANSWER"));
  await session.close();
});

test("a read of a device that is polled asks for it", async (t) => {
  const far = fakePort((request) => ({ "T?": "temperature=21\n", "H?": "humidity=40\n" })[request]);
  const polls = [hourly("T?", ["temperature"]), hourly("H?", ["humidity"])];
  const { context, session } = await setup(far, { polls });
  t.after(() => session.close());
  await context.readings.count(2);
  assert.equal(await session.execute(command("read", "humidity")), 40);
  assert.deepEqual(far.written, ["T?", "H?", "H?"], "only what can carry it is asked");
});

test("a read asks one poll after another, as long as one can carry the resource", async (t) => {
  const far = fakePort((request) => ({ "A?": "temperature=21\n", "B?": "temperature=21,humidity=40\n" })[request]);
  const polls = [hourly("A?", ["temperature", "humidity"]), hourly("B?", ["temperature", "humidity"])];
  const { context, session } = await setup(far, { polls });
  t.after(() => session.close());
  await context.readings.count(3);
  assert.equal(await session.execute(command("read", "humidity")), 40);
  assert.deepEqual(far.written, ["A?", "B?", "A?", "B?"]);
});

test("a read fails at once and says why when the device answers without the resource", async (t) => {
  let reply = "temperature=21\n";
  const far = fakePort(() => reply);
  const { context, session } = await setup(far, { polls: [hourly("T?", ["temperature"], ["values", "ack"])] });
  t.after(() => session.close());
  await context.readings.count(1);
  assert.equal(await session.execute(command("read", "temperature")), 21);
  reply = "OK\n";
  await assert.rejects(session.execute(command("read", "temperature")), (error: Error) => {
    assert.ok(isCode("COMMAND_FAILED")(error));
    assert.equal(error.message, "air answered with ack, without a temperature in it");
    return true;
  });
  assert.deepEqual(context.entries.items, [], "it has answered: nobody warns of silence");
});

test("a read of a device that is silent is DEVICE_NO_ANSWER", async (t) => {
  const far = fakePort();
  const { session } = await setup(far, { polls: [{ ...hourly("T?", ["temperature"]), timeout: 1 }] });
  t.after(() => session.close());
  await assert.rejects(session.execute(command("read", "temperature")), isCode("DEVICE_NO_ANSWER"));
});

test("commands and polls share the line", async (t) => {
  const answers: (() => void)[] = [];
  const far = fakePort((request) => {
    answers.push(() => far.send(request === "T?" ? "temperature=1\n" : "OK\n"));
    return undefined;
  });
  const { session } = await setup(far, {
    polls: [{ ...hourly("T?", ["temperature"]), timeout: 60_000 }],
  });
  t.after(() => session.close());
  while (far.written.length === 0) await turn();
  const write = session.execute(command("write", "level", { value: 5 }));
  await turn();
  assert.deepEqual(far.written, ["T?"], "the poll has not been answered");
  answers.shift()?.();
  while (far.written.length === 1) await turn();
  answers.shift()?.();
  await write;
  assert.deepEqual(far.written, ["T?", "SET 5"]);
});

test("closing ends a command that waits for its answer", async () => {
  const far = fakePort();
  const { session } = await setup(far);
  const write = session.execute(command("write", "level", { value: 5 }));
  const read = session.execute(command("read", "humidity"));
  const ended = Promise.all([
    assert.rejects(write, isCode("DEVICE_OFFLINE")),
    assert.rejects(read, isCode("DEVICE_OFFLINE")),
  ]);
  await turn();
  await session.close();
  await ended;
});

test("a device that should talk and does not loses its port", async () => {
  const far = fakePort();
  const { session } = await setup(far, { idle: 20 });
  await assert.rejects(session.closed, (error: Error) => {
    assert.ok(isCode("PORT_FAILED")(error));
    assert.match(error.message, /nothing was received from \/dev\/ttyTEST for 0.02 s/);
    return true;
  });
});

test("the watchdog is patient while it is we who do not read", async () => {
  const far = fakePort();
  const { context, session } = await setup(far, { idle: 20 });
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  context.gate = () => gate;
  for (let n = 0; n < 20; n += 1) far.send(`temperature=${n}\n`);
  const patience = new Promise<"patient">((resolve) => setTimeout(resolve, 80, "patient"));
  assert.equal(await Promise.race([session.closed, patience]), "patient");
  open();
  await assert.rejects(session.closed, /nothing was received/);
});
