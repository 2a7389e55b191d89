import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  commandFilters,
  formatReadingTopic,
  formatTopic,
  matches,
  parseReadingTopic,
  parseTopic,
  templateProblem,
  toLocal,
  toRemote,
  validFilter,
  validPrefix,
  validResourceName,
  validTopic,
} from "../../../src/core/topics.js";

const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const resource = name.filter((text) => text !== "status");
const prefix = fc
  .array(fc.stringMatching(/^[a-z0-9 äµ]{1,8}$/), { minLength: 1, maxLength: 3 })
  .map((levels) => levels.join("/"));
const action = fc.constantFrom("read", "write", "execute" as const);
const plain = { noNullPrototype: true };
const topic = fc.oneof(
  fc.record({ kind: fc.constant("availability" as const), device: name }, plain),
  fc.record({ kind: fc.constantFrom("gateway" as const, "counters" as const), gateway: name }, plain),
  fc.record({ kind: fc.constant("result" as const), device: name, resource }, plain),
  fc.record({ kind: fc.constant("command" as const), device: name, resource, action }, plain),
);
const level = fc.stringMatching(/^[a-c$]{0,2}$/);

describe("Weir's topics", () => {
  it("have the documented shapes", () => {
    assert.equal(formatTopic("weir", { kind: "availability", device: "air" }), "weir/air/status");
    assert.equal(formatTopic("weir", { kind: "gateway", gateway: "plant-7" }), "weir/$gateway/plant-7/status");
    const command = { kind: "command", device: "air", resource: "fan" } as const;
    assert.equal(formatTopic("weir", { ...command, action: "write" }), "weir/air/fan/set");
    assert.equal(formatTopic("weir", { ...command, action: "read" }), "weir/air/fan/get");
    assert.equal(formatTopic("weir", { ...command, action: "execute" }), "weir/air/fan/exec");
    assert.equal(formatTopic("weir", { kind: "result", device: "air", resource: "fan" }), "weir/air/fan/result");
  });

  it("come back from their text", () => {
    fc.assert(
      fc.property(prefix, topic, (before, wanted) => {
        const text = formatTopic(before, wanted);
        assert.ok(validTopic(text));
        assert.deepEqual(parseTopic(before, text), wanted);
      }),
    );
  });

  it("are never two things, and never a reading by the customary template", () => {
    fc.assert(
      fc.property(prefix, topic, topic, (before, one, other) => {
        const same = formatTopic(before, one) === formatTopic(before, other);
        assert.equal(same, JSON.stringify(one) === JSON.stringify(other));
      }),
    );
    fc.assert(
      fc.property(prefix, name, resource, (before, device, of) => {
        const gateway = { prefix: before, gateway: "g" };
        const text = formatReadingTopic("{prefix}/{device}/{resource}", gateway, { device, resource: of });
        assert.equal(parseTopic(before, text), undefined);
      }),
    );
  });

  it("are nothing else", () => {
    const others = [
      "weir",
      "weir/air",
      "weir/air/temperature",
      "weir//status",
      "weir/air/status/set",
      "weirs/air/status",
    ];
    others.push(
      "weir/$gateway/status",
      "weir/$gateway/g/set",
      "weir/$gateway/g",
      "weir/air/fan/set/x",
      "other/air/fan/set",
    );
    others.push("weir/$air/fan/set", "weir/air/f n/set", "weir/air/fan/SET", `weir/${"a".repeat(65)}/status`, "", "/");
    for (const text of others) assert.equal(parseTopic("weir", text), undefined, text);
  });

  it("never throw on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        parseTopic("w", text);
        parseTopic("w", `w/${text}`);
        parseReadingTopic("{prefix}/{device}-x/{resource}", { prefix: "w", gateway: "g" }, text);
      }),
    );
  });

  it("are found by the filters for commands", () => {
    fc.assert(
      fc.property(prefix, topic, (before, any) => {
        const taken = commandFilters(before).filter((filter) => matches(filter, formatTopic(before, any)));
        assert.equal(taken.length, any.kind === "command" ? 1 : 0);
      }),
    );
  });
});

describe("a reading's topic", () => {
  const gateway = { prefix: "site/weir", gateway: "plant-7" };

  it("is the template, filled", () => {
    const fill = (template: string): string =>
      formatReadingTopic(template, gateway, { device: "air", resource: "pm2_5" });
    assert.equal(fill("{prefix}/{device}/{resource}"), "site/weir/air/pm2_5");
    assert.equal(fill("t/{gateway}/{device}_{resource}/{device}"), "t/plant-7/air_pm2_5/air");
    assert.equal(fill("fixed"), "fixed");
  });

  it("gives its names back", () => {
    const templates = [
      "{prefix}/{device}/{resource}",
      "{gateway}/x{resource}y/{device}-{gateway}",
      "{device}/{device}/{resource}",
      "{prefix}/{device}",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...templates), name, resource, (template, device, of) => {
        const names = { device, resource: of };
        const text = formatReadingTopic(template, gateway, names);
        assert.deepEqual(
          parseReadingTopic(template, gateway, text),
          template.includes("{resource}") ? names : { device },
        );
      }),
    );
  });

  it("is not read from another one, nor guessed", () => {
    const parse = (template: string, text: string): unknown => parseReadingTopic(template, gateway, text);
    assert.equal(parse("{prefix}/{device}/{resource}", "site/weir/air"), undefined);
    assert.equal(parse("{prefix}/{device}/{resource}", "site/other/air/pm2_5"), undefined);
    assert.equal(parse("{device}/{device}", "a/b"), undefined);
    assert.equal(parse("a{device}a", "a"), undefined);
    assert.equal(parse("{device}_{resource}", "a_b_c"), undefined);
  });

  it("has its template's faults named", () => {
    assert.equal(templateProblem("{prefix}/{device}/{resource}"), undefined);
    assert.match(templateProblem("{prefix}/{devise}") ?? "", /has \{devise\}, which is none of/);
    assert.match(templateProblem("{}/a") ?? "", /has \{\}/);
    assert.match(templateProblem("{prefix/a") ?? "", /brace/);
    assert.match(templateProblem("a/+") ?? "", /not a valid MQTT topic/);
    assert.match(templateProblem("") ?? "", /not a valid MQTT topic/);
    assert.match(templateProblem("$SYS/{device}") ?? "", /begins with \$/);
  });
});

describe("names", () => {
  it("are one plain level", () => {
    for (const good of ["a", "pm2_5", "A.b-c", "1", "set", "result", "x".repeat(64)])
      assert.ok(validResourceName(good), good);
    for (const bad of ["", "status", "a/b", "a+", "#", "$a", "a b", "ä", "a\n", "x".repeat(65)])
      assert.ok(!validResourceName(bad), bad);
    for (const good of ["weir", "site/weir", "a b"]) assert.ok(validPrefix(good), good);
    for (const bad of ["", "/weir", "weir/", "$weir", "we+ir", "{device}"]) assert.ok(!validPrefix(bad), bad);
  });
});

describe("a bridge's prefixes", () => {
  const rule = { filter: "#", localPrefix: "weir/", remotePrefix: "site7/weir/" };

  it("are swapped for what the rule takes", () => {
    assert.equal(toRemote(rule, "weir/air/pm2_5"), "site7/weir/air/pm2_5");
    assert.equal(toLocal(rule, "site7/weir/air/fan/set"), "weir/air/fan/set");
    assert.equal(toRemote(rule, "other/air"), undefined);
    assert.equal(toRemote(rule, "weir"), undefined, "there is no weir/ to strip");
    assert.equal(toRemote({ filter: "a/+" }, "a/b"), "a/b");
    assert.equal(toRemote({ filter: "", localPrefix: "one", remotePrefix: "other" }, "one"), "other");
    assert.equal(toRemote({ filter: "#", localPrefix: "a/" }, "a/"), undefined, "an empty topic");
    assert.equal(toRemote({ filter: "#", remotePrefix: "x".repeat(65_535) }, "a"), undefined, "too long");
  });

  it("come back", () => {
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), (levels) => {
        const local = `weir/${levels.join("/")}`;
        const remote = toRemote(rule, local);
        if (local === "weir/") assert.equal(remote, "site7/weir/");
        assert.equal(remote === undefined ? undefined : toLocal(rule, remote), local);
      }),
    );
  });
});

describe("topics and filters of MQTT 4.7", () => {
  it("are valid or not", () => {
    for (const good of ["a", "/", "a//b", "$SYS/x", " ", "x".repeat(65_535), "ä"])
      assert.ok(validTopic(good), good.slice(0, 9));
    for (const bad of ["", "a+", "#", "a\0b", "\ud800", "x".repeat(65_536), "ä".repeat(32_768)])
      assert.ok(!validTopic(bad), bad.slice(0, 9));
    for (const good of ["#", "+", "a/#", "+/+/#", "/+", "a//b"]) assert.ok(validFilter(good), good);
    for (const bad of ["", "a#", "#/a", "a+", "+a/b", "a/#/b", "##", "a/\0"]) assert.ok(!validFilter(bad), bad);
  });

  it("match as its examples say", () => {
    const yes = [
      ["sport/tennis/player1/#", "sport/tennis/player1"],
      ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
      ["sport/#", "sport"],
      ["#", "a/b"],
      ["sport/tennis/+", "sport/tennis/player1"],
      ["sport/+", "sport/"],
      ["+/+", "/finance"],
      ["/+", "/finance"],
      ["$SYS/#", "$SYS/a"],
      ["$SYS/monitor/+", "$SYS/monitor/Clients"],
      ["a/+/c/#", "a/b/c"],
      ["a", "a"],
      ["weir/#", "weir/$gateway/g/status"],
    ];
    const no = [
      ["sport/tennis/+", "sport/tennis/player1/ranking"],
      ["sport/+", "sport"],
      ["+", "/finance"],
      ["#", "$SYS/a"],
      ["+/monitor/Clients", "$SYS/monitor/Clients"],
      ["ACCOUNTS", "Accounts"],
      ["a/b", "a/bc"],
      ["a/bc", "a/b"],
      ["a/b/+", "a/b"],
      ["a/b/#", "a"],
      ["a/", "a"],
      ["a", "a/"],
    ];
    for (const [filter = "", text = ""] of yes) assert.ok(matches(filter, text), `${filter} takes ${text}`);
    for (const [filter = "", text = ""] of no) assert.ok(!matches(filter, text), `${filter} does not take ${text}`);
  });

  it("match as a plain reading of the standard does", () => {
    const reference = (filter: string[], text: string[]): boolean => {
      const [first, ...rest] = filter;
      if (first === undefined) return text.length === 0;
      if (first === "#") return true;
      const [head, ...tail] = text;
      return head !== undefined && (first === "+" || first === head) && reference(rest, tail);
    };
    const wild = fc.oneof(level, fc.constant("+"));
    const filters = fc.tuple(fc.array(wild, { minLength: 1, maxLength: 4 }), fc.boolean());
    fc.assert(
      fc.property(filters, fc.array(level, { minLength: 1, maxLength: 4 }), ([levels, hash], text) => {
        const filter = hash ? [...levels, "#"] : levels;
        fc.pre(validFilter(filter.join("/")) && validTopic(text.join("/")));
        const hidden = text[0]?.startsWith("$") === true && /^[+#]/.test(filter[0] ?? "");
        assert.equal(matches(filter.join("/"), text.join("/")), !hidden && reference(filter, text));
      }),
      { numRuns: 2000 },
    );
  });
});
