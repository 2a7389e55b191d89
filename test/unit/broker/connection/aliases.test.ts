import assert from "node:assert/strict";
import { test } from "node:test";
import { IncomingAliases, OutgoingAliases } from "../../../../src/broker/connection/aliases.js";
import { MqttError } from "../../../../src/protocols/mqtt/index.js";

test("the client's: set, used, set anew; beyond the maximum 94, unknown 82", () => {
  const aliases = new IncomingAliases(2);
  assert.equal(aliases.topicOf("a", 1), "a");
  assert.equal(aliases.topicOf("", 1), "a");
  assert.equal(aliases.topicOf("b", 1), "b");
  assert.equal(aliases.topicOf("", 1), "b");
  for (const [topic, alias, code] of [
    ["a", 3, 0x94],
    ["", 3, 0x94],
    ["", 2, 0x82],
  ] as const)
    assert.throws(
      () => aliases.topicOf(topic, alias),
      (error) => error instanceof MqttError && error.reasonCode === code,
    );
});

test("ours: the first topics have them and keep them; one that did not go out is given to the next", () => {
  const aliases = new OutgoingAliases(2);
  assert.deepEqual(aliases.of("a"), { alias: 1, known: false });
  aliases.forget("a");
  assert.deepEqual(aliases.of("b"), { alias: 1, known: false });
  assert.deepEqual(aliases.of("a"), { alias: 2, known: false });
  assert.deepEqual(aliases.of("b"), { alias: 1, known: true });
  assert.equal(aliases.of("c"), undefined);
  aliases.forget("c");
  aliases.forget("b");
  assert.deepEqual(aliases.of("b"), { alias: 1, known: true }, "one that did go out stays");
});
