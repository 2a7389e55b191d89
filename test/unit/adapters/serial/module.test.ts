import assert from "node:assert/strict";
import { test } from "node:test";
import { type OpenPort, serial, serialAdapter } from "../../../../adapters/serial/index.js";
import { bundledFolder, loadProfile, type Profile, parseProfile } from "../../../../src/profile/index.js";
import { collect, command, isCode, lineProfile, testContext } from "./fixtures.js";

const { serial: _left, ...withoutSerial } = lineProfile;

function device(id: string, address: unknown, profile: Profile | undefined = lineProfile) {
  return { id, address: serial.address.parse(address), profile };
}

test("a device on a port of its own, with a profile, has no problem", () => {
  assert.deepEqual(serial.check({}, [device("a", "/dev/ttyUSB0"), device("b", "/dev/ttyUSB1")]), []);
});

test("a profile is required, and it must have a serial section", () => {
  const none = { ...device("a", "/dev/ttyUSB0"), profile: undefined };
  const [missing, wrong] = serial.check({}, [none, device("b", "/dev/ttyUSB1", withoutSerial)]);
  assert.deepEqual([missing?.device, missing?.path], ["a", ["profile"]]);
  assert.match(missing?.message ?? "", /needs a profile/);
  assert.deepEqual([wrong?.device, wrong?.path], ["b", ["profile"]]);
  assert.match(wrong?.message ?? "", /test\/line has no serial section/);
});

test("two devices on one port are a problem of the second, however the port is written", () => {
  const problems = serial.check({}, [
    device("a", "/dev/ttyUSB0"),
    device("b", { path: "/dev/ttyUSB0", baudRate: 1200 }),
    device("c", { vendorId: "403", productId: "6001" }),
    device("d", { vendorId: "0x0403", productId: "6001" }),
    device("e", { vendorId: "0403", productId: "6001", serialNumber: "A1" }),
  ]);
  assert.deepEqual(
    problems.map((problem) => [problem.device, ...problem.path]),
    [
      ["b", "address"],
      ["d", "address"],
    ],
  );
  assert.match(problems[0]?.message ?? "", /\/dev\/ttyUSB0 belongs to device a/);
});

function yamlProfile(serialSection: string): Profile {
  const text = `vendor: T
model: T
resources: { t: {} }
serial:
  framing: { line: {} }
  messages: { m: { text: { pattern: 't=(?<t>.)' } } }
${serialSection}`;
  return parseProfile(text, { file: "t.yaml", name: "test/t" });
}

test("an interval is a problem where the profile polls nothing", () => {
  const address = { path: "/dev/ttyUSB0", pollEvery: "10s" };
  const polls = `  polls: [{ request: "?", every: 1h, answer: m }]`;
  assert.deepEqual(serial.check({}, [device("a", address, yamlProfile(polls))]), []);
  const problems = serial.check({}, [device("a", address, yamlProfile(""))]);
  assert.deepEqual(problems, [
    {
      device: "a",
      path: ["address", "pollEvery"],
      message: "profile test/t has no polls, so that nothing is asked: remove it",
    },
  ]);
});

test("the address sets how often all polls are asked", async (t) => {
  const profile = yamlProfile(`  polls: [{ request: "A?", every: 1h }, { request: "B?", every: 1d }]`);
  const written = collect<string>();
  const openPort: OpenPort = async () => ({
    write: async (bytes) => written.push(Buffer.from(bytes).toString()),
    pause: () => {},
    resume: () => {},
    close: async () => {},
  });
  const [link] = serialAdapter({ openPort }).links({}, [
    device("a", { path: "/dev/ttyUSB0", pollEvery: "100ms" }, profile),
  ]);
  assert.ok(link);
  const session = await link.adapter.open(testContext());
  t.after(() => session.close());
  const asked = (request: string) => written.items.filter((item) => item === request).length;
  await written.first(() => asked("A?") >= 2 && asked("B?") >= 2);
});

test("a meter that answers its poll with a fault is not silent: what the fault says can be read, the rest fails at once", async (t) => {
  const profile = loadProfile("elvaco/cma10", [bundledFolder]);
  const fault = profile.samples.find(({ name }) => name.startsWith("A sensor that has failed"));
  assert.ok(fault);
  const openPort: OpenPort = async (_path, _line, events) => ({
    write: async () => events.data(fault.bytes),
    pause: () => {},
    resume: () => {},
    close: async () => {},
  });
  const [link] = serialAdapter({ openPort }).links({}, [device("room", "/dev/ttyUSB0", profile)]);
  assert.ok(link);
  const context = testContext();
  const session = await link.adapter.open(context);
  t.after(() => session.close());
  await context.readings.first(({ resource }) => resource === "temporary_error");
  assert.equal(await session.execute(command("read", "temporary_error")), true);
  await assert.rejects(session.execute(command("read", "temperature")), (error: Error) => {
    assert.ok(isCode("COMMAND_FAILED")(error));
    assert.equal(error.message, "room answered with fault, without a temperature in it");
    return true;
  });
  assert.deepEqual(context.entries.items, []);
});
