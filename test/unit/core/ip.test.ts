import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLoopback, parseRange, plainAddress, senderOf } from "../../../src/core/ip.js";

test("a sender is an IPv4 address or the /64 of an IPv6 address, however it is written", () => {
  assert.equal(senderOf("10.1.2.3"), "10.1.2.3");
  for (const address of ["2001:db8:0:7::1", "2001:0db8::7:a:b:c:d", "2001:db8:0:7:ffff:ffff:ffff:ffff"])
    assert.equal(senderOf(address), "2001:db8:0:7::/64");
  assert.equal(senderOf("::1"), "0:0:0:0::/64");
  assert.equal(senderOf("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(senderOf("64:ff9b::10.1.2.3"), "64:ff9b:0:0::/64");
});

test("the other half of an IPv6 address never makes another sender", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.array(group, { minLength: 4, maxLength: 4 }),
      (a, b) => {
        const written = (groups: readonly number[]): string =>
          new URL(`http://[${groups.map((one) => one.toString(16)).join(":")}]`).hostname.slice(1, -1);
        assert.equal(senderOf(written(a)), senderOf(written([...a.slice(0, 4), ...b])));
      },
    ),
  );
});

test("addresses of a dual-stack socket are IPv4 again, and loopback is known", () => {
  assert.equal(plainAddress("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(plainAddress("2001:db8::1"), "2001:db8::1");
  for (const address of ["127.0.0.1", "127.255.0.9", "::1"]) assert.ok(isLoopback(address), address);
  for (const address of ["128.0.0.1", "127.0.0.1.evil", "::2", ""]) assert.ok(!isLoopback(address), address);
});

test("ranges", () => {
  assert.deepEqual(parseRange("10.0.0.0/8"), { address: "10.0.0.0", bits: 8, family: "ipv4" });
  assert.deepEqual(parseRange("fd00::1"), { address: "fd00::1", bits: 128, family: "ipv6" });
  for (const text of ["10.0.0.0/33", "fd00::/129", "10.0.0", "localhost", "10.0.0.0/", "10.0.0.0/-1", ""])
    assert.equal(parseRange(text), undefined, text);
});
