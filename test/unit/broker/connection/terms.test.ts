import assert from "node:assert/strict";
import { test } from "node:test";
import { termsOf } from "../../../../src/broker/connection/terms.js";
import type { ConnectPacket, ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";
import { usualLimits } from "../../../support/broker.js";

const connect = (version: ProtocolVersion, rest: Partial<ConnectPacket> = {}): ConnectPacket => ({
  ...{ kind: "connect", version, cleanStart: true, keepAlive: 60, clientId: "a" },
  ...rest,
});

test("keep alive: only MQTT 5 can be told another one", () => {
  const limits = { ...usualLimits, keepAlive: 60_000 };
  for (const [version, asked, granted] of [
    [5, 30, 30],
    [5, 120, 60],
    [5, 0, 60],
    [4, 120, 120],
    [4, 0, 0],
  ] as const) {
    const terms = termsOf(connect(version, { keepAlive: asked }), limits);
    assert.deepEqual([terms.keepAlive, terms.silence], [granted, granted * 1_500]);
  }
});

test("a session before MQTT 5 lasts as long as may be unless it is clean; in 5 as long as is asked for", () => {
  const limits = { ...usualLimits, sessionExpiry: 1_000_000 };
  for (const [version, cleanStart, sessionExpiryInterval, expiry] of [
    [4, true, undefined, 0],
    [4, false, undefined, 1_000],
    [3, false, undefined, 1_000],
    [5, false, undefined, 0],
    [5, true, 10, 10],
    [5, false, 5_000, 1_000],
  ] as const) {
    const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } };
    assert.equal(termsOf(connect(version, { cleanStart, ...properties }), limits).expiry, expiry);
  }
});

test("the window and the aliases are the lower of both sides'", () => {
  const properties = { receiveMaximum: 5, topicAliasMaximum: 100, maximumPacketSize: 99 };
  const terms = termsOf(connect(5, { properties }), { ...usualLimits, inFlight: 10, topicAliases: 7 });
  assert.deepEqual([terms.window, terms.aliases, terms.maxPacketBytes], [5, 7, 99]);
  const plain = termsOf(connect(4), { ...usualLimits, inFlight: 10 });
  assert.deepEqual([plain.window, plain.aliases, plain.maxPacketBytes], [10, 0, undefined]);
});
