import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePort, findPort, listPorts, type RawPort } from "../../../../adapters/serial/find.js";
import { isCode } from "./fixtures.js";

const FTDI: RawPort = {
  path: "/dev/ttyUSB1",
  pnpId: "usb-FTDI_FT232R_A1-if00-port0",
  manufacturer: "FTDI",
  vendorId: "0403",
  productId: "6001",
  serialNumber: "A1",
};
const CH340: RawPort = { path: "/dev/ttyUSB0", vendorId: "1A86", productId: "7523" };
const BUILT_IN: RawPort = { path: "/dev/ttyS0" };

test("ports are listed by path, with what the system knows of them", async () => {
  assert.deepEqual(await listPorts(async () => [FTDI, CH340, BUILT_IN]), [
    { path: "/dev/ttyS0" },
    { path: "/dev/ttyUSB0", vendorId: "1a86", productId: "7523" },
    {
      path: "/dev/ttyUSB1",
      byId: "/dev/serial/by-id/usb-FTDI_FT232R_A1-if00-port0",
      manufacturer: "FTDI",
      vendorId: "0403",
      productId: "6001",
      serialNumber: "A1",
    },
  ]);
});

test("names that a USB device gives itself cannot write to a terminal", async () => {
  const hostile = { path: "/dev/ttyUSB0", manufacturer: `\u001b[2J${"x".repeat(9999)}`, serialNumber: "a\nb\u202e" };
  const [port] = await listPorts(async () => [hostile]);
  assert.match(port?.manufacturer ?? "", /^\?\[2Jx+$/);
  assert.equal(port?.manufacturer?.length, 256);
  assert.equal(port?.serialNumber, "a?b?");
});

test("without udevadm the message says what to install or to write", async () => {
  const missing = () => Promise.reject(Object.assign(new Error("spawn udevadm ENOENT"), { code: "ENOENT" }));
  await assert.rejects(listPorts(missing), (error: Error) => {
    assert.ok(isCode("PORT_FAILED")(error));
    assert.match(error.message, /udevadm is missing.*package udev.*path/);
    return true;
  });
});

test("a list that fails otherwise gives its reason", async () => {
  await assert.rejects(
    listPorts(() => Promise.reject(new Error("exited with 1"))),
    /cannot be listed: exited with 1/,
  );
});

test("one match by USB numbers is the port; a path is taken as it is", async () => {
  const list = async () => [FTDI, CH340, BUILT_IN];
  assert.equal(await findPort({ vendorId: "1a86", productId: "7523" }, list), "/dev/ttyUSB0");
  assert.equal(await findPort({ vendorId: "0403", productId: "6001", serialNumber: "A1" }, list), "/dev/ttyUSB1");
  assert.equal(await findPort({ path: "/dev/ttyX" }, () => Promise.reject(new Error("not asked"))), "/dev/ttyX");
});

test("no match names what is there", async () => {
  const ports = await listPorts(async () => [FTDI, CH340, BUILT_IN]);
  const wrongSerial = { vendorId: "0403", productId: "6001", serialNumber: "B2" };
  assert.throws(
    () => choosePort(wrongSerial, ports),
    (error: Error) => {
      assert.ok(isCode("PORT_NOT_FOUND")(error));
      assert.match(error.message, /no serial port is usb:0403:6001:B2; plugged in: \/dev\/ttyUSB0 .*\/dev\/ttyUSB1/);
      assert.ok(!error.message.includes("ttyS0"), "a built-in port is no candidate");
      return true;
    },
  );
  assert.throws(() => choosePort(wrongSerial, []), /no USB serial port is plugged in/);
});

test("several matches are refused, and named", async () => {
  const twin = { ...FTDI, path: "/dev/ttyUSB2", serialNumber: "A2" };
  const ports = await listPorts(async () => [FTDI, twin]);
  assert.throws(
    () => choosePort({ vendorId: "0403", productId: "6001" }, ports),
    (error: Error) => {
      assert.ok(isCode("PORT_NOT_FOUND")(error));
      assert.match(error.message, /ttyUSB1 \(0403:6001:A1\), \/dev\/ttyUSB2 \(0403:6001:A2\).*serialNumber/);
      return true;
    },
  );
});
