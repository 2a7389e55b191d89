import assert from "node:assert/strict";
import { test } from "node:test";
import { serial } from "../../../../adapters/serial/index.js";
import type { Profile } from "../../../../src/profile/index.js";
import { lineProfile } from "./fixtures.js";

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
