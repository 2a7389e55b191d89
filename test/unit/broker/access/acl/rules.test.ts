import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allows, type Rule, type RuleList } from "../../../../../src/broker/access/acl/rules.js";
import { matches } from "../../../../../src/core/topics.js";

const allow = (actions: Rule["actions"], ...filters: string[]): Rule => ({ effect: "allow", actions, filters });
const deny = (actions: Rule["actions"], ...filters: string[]): Rule => ({ effect: "deny", actions, filters });
const list = (otherwise: RuleList["otherwise"], ...rules: Rule[]): RuleList => ({ rules, otherwise });

test("the first rule that fits decides, and the default where none does", () => {
  const rules = list("deny", deny("publish", "a/secret"), allow("all", "a/#"));
  assert.ok(!allows(rules, "publish", "a/secret"));
  assert.ok(allows(rules, "receive", "a/secret"));
  assert.ok(allows(rules, "publish", "a/b"));
  assert.ok(!allows(rules, "publish", "b"));
  assert.ok(allows(list("allow"), "publish", "b"));
});

test("nobody speaks as the broker unless a rule says so by name", () => {
  for (const topic of ["$SYS", "$SYS/broker/version"]) {
    assert.ok(!allows(list("allow"), "publish", topic));
    assert.ok(!allows(list("allow", allow("all", "#")), "publish", topic));
    assert.ok(allows(list("allow"), "receive", topic));
    assert.ok(allows(list("deny", allow("publish", "$SYS/#")), "publish", topic));
  }
  assert.ok(allows(list("allow"), "subscribe", "$SYS/#"));
  assert.ok(!allows(list("deny", allow("all", "#")), "subscribe", "$SYS/#"));
});

test("a subscription is taken where something in it may be received", () => {
  const one = list("deny", allow("subscribe", "a/b"));
  for (const filter of ["a/b", "a/+", "#", "+/b", "a/#", "a/b/#"]) assert.ok(allows(one, "subscribe", filter), filter);
  for (const filter of ["a", "a/c", "b/#", "a/b/+", "$SYS/#"]) assert.ok(!allows(one, "subscribe", filter), filter);
  assert.ok(!allows(list("deny", allow("publish", "#")), "subscribe", "a"));
});

test("what a rule before denies is not what a later one opens", () => {
  const closed = list("deny", deny("all", "a/#"), allow("subscribe", "a/b"));
  assert.ok(!allows(closed, "subscribe", "a/b"));
  assert.ok(!allows(closed, "subscribe", "#"), "nothing in # may be received");
  const rest = list("allow", deny("subscribe", "a/#"));
  assert.ok(!allows(rest, "subscribe", "a/+"));
  assert.ok(allows(rest, "subscribe", "#"), "all but a/# may be received");
  assert.ok(allows(list("deny", allow("all", "a/b"), deny("all", "a/#")), "subscribe", "a/#"));
  assert.ok(!allows(list("allow", { effect: "deny", actions: "all", filters: "every" }), "subscribe", "$SYS/#"));
  assert.ok(!allows(list("allow", { effect: "deny", actions: "all", filters: "every" }), "publish", "$other"));
});

const NAMES = ["a", "b", "z"];
const TOPICS = NAMES.flatMap((one) => [one, ...NAMES.flatMap((two) => [`${one}/${two}`, `${one}/${two}/z`])]);
const filters = fc.constantFrom("#", "+", "a", "a/#", "a/+", "a/b", "+/b", "+/+", "b/#", "a/+/#", "a/b/#");
const rules = fc.record({
  effect: fc.constantFrom("allow" as const, "deny" as const),
  actions: fc.constantFrom("publish" as const, "subscribe" as const, "all" as const),
  filters: fc.array(filters, { minLength: 1, maxLength: 2 }),
});

test("a subscription with a receivable topic in it is never refused", () => {
  fc.assert(
    fc.property(
      fc.array(rules, { maxLength: 4 }),
      fc.constantFrom("allow" as const, "deny" as const),
      filters,
      (of, otherwise, wanted) => {
        const readable = TOPICS.some(
          (topic) => matches(wanted, topic) && allows({ rules: of, otherwise }, "receive", topic),
        );
        if (readable) assert.ok(allows({ rules: of, otherwise }, "subscribe", wanted));
      },
    ),
    { numRuns: 5_000 },
  );
});

test("a subscription is refused where no single rule leaves anything in it", () => {
  fc.assert(
    fc.property(
      fc.array(
        rules.map((rule) => ({ ...rule, filters: rule.filters.slice(0, 1) })),
        { maxLength: 2 },
      ),
      filters,
      (of, wanted) => {
        const readable = TOPICS.some(
          (topic) => matches(wanted, topic) && allows({ rules: of, otherwise: "deny" }, "receive", topic),
        );
        assert.equal(allows({ rules: of, otherwise: "deny" }, "subscribe", wanted), readable);
      },
    ),
    { numRuns: 5_000 },
  );
});
