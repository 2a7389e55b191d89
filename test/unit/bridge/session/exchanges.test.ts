import assert from "node:assert/strict";
import { test } from "node:test";
import { Exchanges } from "../../../../src/bridge/session/exchanges.js";
import { packetIdOf } from "../../../../src/bridge/session/packet-id.js";
import { parcelOf } from "./pure.js";

/** One that was sent, at this QoS. */
function begun(qos: 1 | 2) {
  const exchanges = new Exchanges();
  const exchange = exchanges.begin(parcelOf(7, qos), qos, false, false);
  exchange.sent = true;
  return { exchanges, exchange, id: exchange.packetId };
}

test("QoS 1: PUBACK ends it, and nothing else does", () => {
  const { exchanges, id } = begun(1);
  assert.equal(exchanges.answer("pubrec", id, 0).kind, "stray");
  assert.equal(exchanges.answer("pubcomp", id, 0).kind, "stray");
  assert.equal(exchanges.answer("puback", id + 2, 0).kind, "stray");
  assert.equal(exchanges.size, 1);
  assert.equal(exchanges.answer("puback", id, 0).kind, "done");
  assert.equal(exchanges.size, 0);
  assert.equal(exchanges.answer("puback", id, 0).kind, "stray");
});

test("QoS 2: PUBREC, noted, PUBCOMP; a PUBREC that comes again asks for PUBREL again", () => {
  const { exchanges, exchange, id } = begun(2);
  assert.equal(exchanges.answer("pubcomp", id, 0).kind, "stray");
  assert.equal(exchanges.answer("pubrec", id, 0).kind, "note");
  assert.equal(exchange.stage, "noting");
  // Before it is noted neither a second PUBREC nor a PUBCOMP may have an effect.
  assert.equal(exchanges.answer("pubrec", id, 0).kind, "stray");
  assert.equal(exchanges.answer("pubcomp", id, 0).kind, "stray");
  exchange.stage = "release";
  assert.equal(exchanges.answer("pubrec", id, 0).kind, "release");
  assert.equal(exchanges.answer("pubcomp", id, 0).kind, "done");
  assert.deepEqual([exchanges.size, exchanges.bytes], [0, 0]);
});

test("QoS 2 answered with PUBACK is done: the upstream has lowered it", () => {
  const { exchanges, id } = begun(2);
  assert.equal(exchanges.answer("puback", id, 0).kind, "done");
  assert.equal(exchanges.size, 0);
});

test("packet id not found (0x92) at PUBCOMP ends it as well: the upstream completed it before", () => {
  const { exchanges, exchange, id } = begun(2);
  exchange.stage = "release";
  assert.equal(exchanges.answer("pubcomp", id, 0x92).kind, "done");
});

test("a refusal names its reason and leaves the exchange to be decided on", () => {
  for (const [qos, kind] of [
    [1, "puback"],
    [2, "pubrec"],
  ] as const) {
    const { exchanges, exchange, id } = begun(qos);
    assert.deepEqual(exchanges.answer(kind, id, 0x87), { kind: "refused", exchange, reasonCode: 0x87 });
    assert.equal(exchanges.size, 1);
    exchanges.remove(exchange);
    exchanges.remove(exchange);
    assert.deepEqual([exchanges.size, exchanges.bytes], [0, 0]);
  }
});

test("what was not sent on any connection cannot be acknowledged", () => {
  const exchanges = new Exchanges();
  const { packetId } = exchanges.begin(parcelOf(7), 1, false, false);
  assert.equal(exchanges.answer("puback", packetId, 0).kind, "stray");
});

test("one that was noted in a life before this one begins at PUBREL", () => {
  const exchanges = new Exchanges();
  const exchange = exchanges.begin(parcelOf(7, 1), 1, true, true);
  assert.deepEqual([exchange.stage, exchange.qos], ["release", 2]);
  assert.equal(exchanges.answer("pubcomp", exchange.packetId, 0).kind, "done");
});

test("packet ids: the same for the same sequence, distinct over a span of both lanes, never the SUBSCRIBE's or 0", () => {
  for (const start of [1, 32_760, 65_535, 2 ** 40]) {
    const ids = new Set<number>();
    for (let i = 0; i < 32_760; i++) for (const lane of [0, 1] as const) ids.add(packetIdOf(lane, start + i));
    assert.equal(ids.size, 65_520);
    assert.deepEqual([Math.min(...ids), Math.max(...ids)], [1, 65_520]);
  }
});
