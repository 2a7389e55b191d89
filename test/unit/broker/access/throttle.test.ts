import assert from "node:assert/strict";
import { test } from "node:test";
import { originOf } from "../../../../src/broker/access/origin.js";
import { Throttle } from "../../../../src/broker/access/throttle.js";

test("a burst, and then the pace", () => {
  const throttle = new Throttle({ burst: 3, every: 1_000 });
  for (let n = 0; n < 3; n++) {
    assert.ok(!throttle.refuses("a", 0));
    throttle.failed("a", 0);
  }
  assert.ok(throttle.refuses("a", 0) && throttle.refuses("a", 999) && !throttle.refuses("b", 0));
  assert.ok(!throttle.refuses("a", 1_000));
  throttle.failed("a", 1_000);
  assert.ok(throttle.refuses("a", 1_001));
  assert.ok(!throttle.refuses("a", 100_000));
  throttle.failed("a", 100_000);
  assert.ok(!throttle.refuses("a", 100_000), "what is long ago is forgotten");
});

test("its table stays small, and whoever fails now stays in it", () => {
  const throttle = new Throttle({ burst: 1, every: 1_000 }, 10);
  throttle.failed("first", 0);
  for (let n = 0; n < 100; n++) {
    throttle.failed(`k${n}`, 0);
    throttle.failed("first", 0);
  }
  assert.equal(throttle.size, 10);
  assert.ok(throttle.refuses("first", 0) && throttle.refuses("k99", 0) && !throttle.refuses("k0", 0));
});

test("an IPv6 network is one origin", () => {
  assert.equal(originOf("2001:db8:1:2::1"), originOf("2001:db8:1:2:ffff:0:0:9"));
  assert.equal(originOf("2001:db8:1:2::1"), originOf("2001:0db8:0001:0002::7"));
  assert.notEqual(originOf("2001:db8:1:2::1"), originOf("2001:db8:1:3::1"));
  assert.equal(originOf("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(originOf("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(originOf("::1"), "0:0:0:0::/64");
  assert.equal(originOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(originOf("192.0.2.1"), "192.0.2.1");
  assert.equal(originOf(undefined), "unix");
});
