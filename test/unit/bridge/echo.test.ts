import assert from "node:assert/strict";
import { test } from "node:test";
import { Echoes } from "../../../src/bridge/echo.js";
import { messageOf } from "./session/pure.js";

test("what went up is known once for each time that it went, whatever its QoS comes back as", () => {
  const echoes = new Echoes();
  echoes.sent(messageOf("1", 1), 0);
  echoes.sent(messageOf("1", 1), 10);
  assert.ok(echoes.returned(messageOf("1", 0), 20));
  assert.ok(echoes.returned(messageOf("1"), 20));
  assert.ok(!echoes.returned(messageOf("1"), 20));
  assert.ok(!echoes.returned(messageOf("2"), 20));
  assert.ok(!echoes.returned(messageOf("1", 1, "b"), 20));
});

test("topic and payload are told apart where they meet", () => {
  const echoes = new Echoes();
  echoes.sent(messageOf("bc", 1, "a"), 0);
  assert.ok(!echoes.returned(messageOf("c", 1, "ab"), 0));
});

test("it is forgotten after a while, and there is a bound", () => {
  const echoes = new Echoes();
  echoes.sent(messageOf("old"), 0);
  assert.ok(!echoes.returned(messageOf("old"), 60_001));
  for (let i = 0; i < 10_001; i++) echoes.sent(messageOf(`${i}`), 0);
  assert.ok(!echoes.returned(messageOf("0"), 0));
  assert.ok(echoes.returned(messageOf("1"), 0));
});
