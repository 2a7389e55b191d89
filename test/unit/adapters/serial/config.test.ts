import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { address, placeName, settings } from "../../../../adapters/serial/config.js";

const noLine = { baudRate: undefined, dataBits: undefined, parity: undefined, stopBits: undefined };

function messages(given: unknown): string {
  const result = address.safeParse(given);
  assert.ok(!result.success, "was accepted");
  return JSON.stringify(result.error.issues);
}

test("a path alone is an address", () => {
  const parsed = address.parse("/dev/serial/by-id/usb-FTDI_A1-if00-port0");
  assert.deepEqual(parsed, {
    place: { path: "/dev/serial/by-id/usb-FTDI_A1-if00-port0" },
    line: {},
    pollEvery: undefined,
    idle: undefined,
  });
});

test("an object gives the path, what differs on the line, how often to ask, and the watchdog", () => {
  const parsed = address.parse({
    path: "/dev/ttyS0",
    baudRate: 1200,
    dataBits: 7,
    parity: "even",
    stopBits: 2,
    pollEvery: "60s",
    idle: "30s",
  });
  const line = { baudRate: 1200, dataBits: 7, parity: "even", stopBits: 2 };
  assert.deepEqual(parsed, { place: { path: "/dev/ttyS0" }, line, pollEvery: 60_000, idle: 30_000 });
});

test("USB numbers are brought to one form", () => {
  const parsed = address.parse({ vendorId: "0x403", productId: "6AB1", serialNumber: "A1" });
  const place = { vendorId: "0403", productId: "6ab1", serialNumber: "A1" };
  assert.deepEqual(parsed, { place, line: noLine, pollEvery: undefined, idle: undefined });
  assert.equal(placeName(place), "usb:0403:6ab1:A1");
  assert.equal(placeName({ vendorId: "0403", productId: "6ab1" }), "usb:0403:6ab1");
});

test("durations have a unit and a lower bound", () => {
  for (const key of ["idle", "pollEvery"] as const) {
    const given = (text: unknown) => address.parse({ path: "/dev/ttyS0", [key]: text })[key];
    assert.deepEqual(["100ms", "30s", "5m", "1h", "24d"].map(given), [100, 30_000, 300_000, 3_600_000, 2_073_600_000]);
    for (const bad of ["30", 30, "-1s", "99ms", "0s", "25d", "999999999h", "1e3s", ""])
      assert.throws(() => given(bad), `${key} ${bad}`);
  }
});

test("what cannot be an address is refused with what to do", () => {
  assert.match(messages({}), /must have path, or both vendorId and productId/);
  assert.match(messages({ vendorId: "0403" }), /both vendorId and productId/);
  assert.match(messages({ serialNumber: "A1" }), /both vendorId and productId/);
  assert.match(messages({ path: "/dev/ttyS0", vendorId: "0403", productId: "6001" }), /not both/);
  assert.match(messages({ vendorId: 403, productId: "6001" }), /in quotes/);
  assert.match(messages({ vendorId: "04030", productId: "6001" }), /four hexadecimal digits/);
  assert.match(messages({ path: "/dev/ttyS0", speed: 9600 }), /speed/);
  assert.match(messages(""), /must name a port/);
  assert.match(messages("/dev/\0"), /NUL/);
  for (const bad of [null, 1, [], true, { path: "/dev/ttyS0", dataBits: 9 }, { path: "/dev/ttyS0", baudRate: 9600.5 }])
    messages(bad);
});

test("the settings accept an empty object and nothing else", () => {
  assert.deepEqual(settings.parse({}), {});
  assert.equal(settings.safeParse({ baudRate: 9600 }).success, false);
});

test("every field is described in the JSON Schema for editors", () => {
  const schema = JSON.stringify(z.toJSONSchema(address, { io: "input" }));
  for (const field of [
    "path",
    "vendorId",
    "productId",
    "serialNumber",
    "baudRate",
    "dataBits",
    "parity",
    "stopBits",
    "pollEvery",
    "idle",
  ]) {
    assert.match(schema, new RegExp(`"${field}":\\{[^}]*"description"`), field);
  }
});
