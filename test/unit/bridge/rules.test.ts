import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rule, routes } from "../../../src/bridge/rules.js";
import type { Message, Qos } from "../../../src/core/message.js";

const message = (topic: string, qos: Qos = 1): Message => ({ topic, payload: new Uint8Array(), qos, retain: false });
const rule = (
  direction: Rule["direction"],
  filter: string,
  localPrefix = "",
  remotePrefix = "",
  qos?: Qos,
  rest: Partial<Rule> = {},
): Rule => ({
  direction,
  filter,
  localPrefix,
  remotePrefix,
  qos,
  retain: "keep",
  priority: "normal",
  qos0: "queue",
  ...rest,
});

test("out: the local prefix is replaced by the remote one", () => {
  const { up } = routes([rule("out", "#", "weir/", "site7/weir/")]);
  assert.equal(up(message("weir/air/pm2_5"))?.message.topic, "site7/weir/air/pm2_5");
  assert.equal(up(message("other/air/pm2_5")), undefined);
});

test("in: the remote prefix is replaced by the local one, and the subscription carries it", () => {
  const { down, subscriptions } = routes([rule("in", "+/+/set", "weir/", "site7/weir/", 2)]);
  assert.deepEqual(subscriptions, [{ filter: "site7/weir/+/+/set", qos: 2, noLocal: false }]);
  assert.equal(down(message("site7/weir/air/range/set"))?.topic, "weir/air/range/set");
  assert.equal(down(message("site8/weir/air/range/set")), undefined);
});

test("a rule's QoS lowers a message's, never raises it", () => {
  const { up } = routes([rule("out", "#", "", "", 1)]);
  assert.deepEqual(
    [0, 1, 2].map((qos) => up(message("a", qos as Qos))?.message.qos),
    [0, 1, 1],
  );
});

test("what an in rule would bring back down does not go up", () => {
  const { up } = routes([rule("out", "#", "weir/", "weir/"), rule("in", "+/+/set", "weir/", "weir/")]);
  assert.equal(up(message("weir/air/range/set")), undefined);
  assert.equal(up(message("weir/air/range/result"))?.message.topic, "weir/air/range/result");
});

test("the first rule that matches decides", () => {
  const { up } = routes([rule("out", "air/#", "weir/", "first/"), rule("out", "#", "weir/", "second/")]);
  assert.equal(up(message("weir/air/pm2_5"))?.message.topic, "first/air/pm2_5");
  assert.equal(up(message("weir/power/kw"))?.message.topic, "second/power/kw");
});

test("a topic that has no name on the other side is not carried: weir/# takes weir as well", () => {
  const { up, down } = routes([rule("out", "#", "weir/", ""), rule("in", "#", "in/", "site7/")]);
  assert.equal(up(message("weir")), undefined);
  assert.equal(up(message("weir/")), undefined);
  assert.equal(up(message("weir/a"))?.message.topic, "a");
  assert.equal(down(message("site7")), undefined);
});
