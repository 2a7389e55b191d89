import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Scalar } from "../../../src/core/reading.js";
import { type CommandRules, type ParsedCommand, parseCommand, resultMessage } from "../../../src/router/commands.js";
import type { ResourceType } from "../../../src/router/value.js";

const NOW = 1_763_890_000_000;

function parse(
  payload: string | Uint8Array,
  type?: ResourceType,
  verb = "set",
  retain = false,
): ParsedCommand | undefined {
  const rules: CommandRules = {
    prefix: "weir",
    clockSet: true,
    now: NOW,
    timeout: 10_000,
    newId: () => "new",
    resourceType: () => type,
  };
  return parseCommand({ topic: `weir/air/fan/${verb}`, payload: Buffer.from(payload), qos: 1, retain }, rules);
}

function value(payload: string | Uint8Array, type?: ResourceType): Scalar | undefined {
  const parsed = parse(payload, type);
  assert.ok(parsed?.ok, `${String(payload)} as ${type}: ${parsed?.ok === false ? parsed.error.message : "no command"}`);
  const { value: found } = parsed.command;
  return found instanceof Uint8Array ? Uint8Array.from(found) : found;
}

/** `CODE message` of a refusal. */
function refusal(payload: string | Uint8Array, type?: ResourceType, verb = "set", retain = false): string {
  const parsed = parse(payload, type, verb, retain);
  assert.ok(parsed?.ok === false, `${String(payload).slice(0, 60)} as ${type} was taken`);
  return `${parsed.error.code} ${parsed.error.message}`;
}

describe("a command's payload", () => {
  it("is a bare value", () => {
    const cases: [string, ResourceType | undefined, Scalar][] = [
      ["25", undefined, 25],
      [" -2.5e1\n", undefined, -25],
      ["true", undefined, true],
      ["on", undefined, "on"],
      ['"on"', undefined, "on"],
      ["two words", undefined, "two words"],
      ["25", "number", 25],
      ['"25"', "number", 25],
      ["+.5", "number", 0.5],
      ["25", "integer", 25],
      ["2e3", "integer", 2000],
      ["on", "boolean", true],
      ["OFF", "boolean", false],
      ["1", "boolean", true],
      ["0", "boolean", false],
      ["True", "boolean", true],
      ["25", "string", "25"],
      ["true", "string", "true"],
      [" a ", "string", " a "],
      ['"a\\n"', "string", "a\n"],
      ['"a', "string", '"a'],
      ["", "string", ""],
      ["[1]", "string", "[1]"],
    ];
    for (const [payload, type, expected] of cases)
      assert.deepEqual(value(payload, type), expected, `${payload} as ${type}`);
    assert.deepEqual(value(Uint8Array.of(0xff, 0), "bytes"), Uint8Array.of(0xff, 0));
    assert.deepEqual(value("{not json", "bytes"), Uint8Array.from(Buffer.from("{not json")));
    assert.deepEqual(value('{"a":1}', "bytes"), Uint8Array.from(Buffer.from('{"a":1}')), "no key of a command");
  });

  it("is an object", () => {
    const parsed = parse('{"id":"7","value":25,"timeout":"5s"}');
    assert.deepEqual(parsed, {
      ok: true,
      command: { id: "7", device: "air", resource: "fan", action: "write", value: 25, deadline: NOW + 5000 },
      named: true,
    });
    const unnamed = parse('{"value":25}');
    assert.equal(unnamed?.ok && unnamed.named, false);
    assert.deepEqual(value('{"value":"+/8="}', "bytes"), Uint8Array.of(251, 255));
    assert.equal(value('{"value":25}', "string"), "25");
    assert.equal(value(' {"value":"{}"}', "string"), "{}");
    const deadline = (text: string) => {
      const found = parse(text);
      return found?.ok ? found.command.deadline - NOW : undefined;
    };
    assert.equal(deadline('{"value":1}'), 10_000);
    assert.equal(deadline('{"value":1,"timeout":"1.5s"}'), 1500);
    assert.equal(deadline('{"value":1,"timeout":"250ms"}'), 250);
    assert.equal(deadline(`{"value":1,"deadline":${NOW + 77}}`), 77);
    assert.equal(deadline(`{"value":1,"deadline":${NOW - 1}}`), -1, "past: the dispatcher refuses it");
    const named = parse('{"id":7,"value":1}');
    assert.ok(named?.ok && named.command.id === "7");
  });

  it("may be empty for a read and an execute", () => {
    for (const type of [undefined, "bytes", "string", "number"] as const) {
      for (const [verb, action] of [
        ["get", "read"],
        ["exec", "execute"],
      ] as const) {
        const expected = { id: "new", device: "air", resource: "fan", action, deadline: NOW + 10_000 };
        assert.deepEqual(parse("", type, verb), { ok: true, command: expected, named: false });
        assert.deepEqual(parse("{}", type, verb), { ok: true, command: expected, named: false });
      }
    }
    const argument = parse("span 5", "number", "exec");
    assert.ok(argument?.ok && argument.command.value === "span 5");
  });

  it("is refused where it is nothing of that", () => {
    assert.match(refusal(""), /^COMMAND_INVALID there is no value to write/);
    assert.match(refusal("{}"), /no value to write/);
    assert.match(refusal('{"value":null}'), /no value to write/);
    assert.match(refusal("5", undefined, "get"), /a read takes no value/);
    assert.match(refusal("5", undefined, "set", true), /^COMMAND_INVALID it is retained/);
    assert.match(refusal("x".repeat(65_537)), /65537 bytes/);
    assert.match(refusal(Uint8Array.of(0xff)), /not UTF-8/);
    assert.match(refusal('{"value":1'), /not a JSON object/);
    for (const text of ["[1]", "null", "1e999", '{"value":[1]}', '{"value":1e999}'])
      assert.match(refusal(text), /^COMMAND_INVALID/, text);
    assert.match(refusal('{"value":1,"timout":"5s"}'), /unknown key "timout"/);
    assert.match(refusal('{"value":1,"timeout":5}'), /with its unit/);
    assert.match(refusal('{"value":1,"timeout":"0s"}'), /with its unit/);
    assert.match(refusal('{"value":1,"timeout":"25h"}'), /more than one day/);
    assert.match(refusal('{"value":1,"timeout":"5s","deadline":1}'), /one of them/);
    assert.match(refusal('{"value":1,"deadline":"soon"}'), /ms since 1970/);
    for (const id of ['""', "true", "null", `"${"x".repeat(129)}"`])
      assert.match(refusal(`{"id":${id},"value":1}`), /the id must be/);
  });

  it("is refused where the value does not fit the resource", () => {
    const cases: [string, ResourceType][] = [
      ["warm", "number"],
      ["true", "number"],
      ["", "number"],
      ['""', "number"],
      ["Infinity", "number"],
      ["9".repeat(65), "boolean"],
      ["2.5", "integer"],
      ["9007199254740993", "integer"],
      ["2", "boolean"],
      ["yes", "boolean"],
      ['{"value":"a"}', "bytes"],
      ['{"value":"a b="}', "bytes"],
      ['{"value":5}', "bytes"],
    ];
    for (const [payload, type] of cases) {
      assert.match(
        refusal(payload, type),
        payload === "" ? /^COMMAND_INVALID/ : /^VALUE_INVALID the value must be/,
        `${payload} as ${type}`,
      );
    }
  });

  it("answers a fault under the id that came with it", () => {
    const parsed = parse('{"id":"7","value":"warm"}', "number");
    assert.deepEqual(parsed?.ok === false && parsed.address, { id: "7", device: "air", resource: "fan" });
    const unnamed = parse("warm", "number");
    assert.equal(unnamed?.ok === false && unnamed.address.id, "new");
  });

  it("is not looked at on another topic", () => {
    const rules: CommandRules = {
      prefix: "weir",
      now: NOW,
      clockSet: true,
      timeout: 1,
      newId: () => "new",
      resourceType: () => undefined,
    };
    for (const topic of ["weir/air/fan", "weir/air/fan/result", "weir/air/status", "other/air/fan/set"]) {
      assert.equal(parseCommand({ topic, payload: Buffer.from("1"), qos: 0, retain: false }, rules), undefined);
    }
  });

  it("never makes it throw", () => {
    const types = fc.constantFrom(undefined, "number", "integer", "boolean", "string", "bytes" as const);
    const verbs = fc.constantFrom("set", "get", "exec");
    const payload = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(`{"id":"1","value":${text}}`)),
    );
    fc.assert(
      fc.property(payload, types, verbs, (bytes, type, verb) => {
        const parsed = parse(bytes, type, verb);
        assert.ok(parsed !== undefined);
        if (!parsed.ok || type === undefined || verb !== "set") return;
        const found = parsed.command.value;
        const kinds = { number: "number", integer: "number", boolean: "boolean", string: "string", bytes: "object" };
        assert.equal(typeof found, kinds[type]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a result", () => {
  const address = { id: 'a"b', device: "air", resource: "fan" };
  const text = (result: Parameters<typeof resultMessage>[2]): string =>
    Buffer.from(resultMessage("weir", address, result).payload).toString();

  it("is QoS 1, not retained, on the result topic", () => {
    const { topic, qos, retain } = resultMessage("weir", address, { ok: true });
    assert.deepEqual([topic, qos, retain], ["weir/air/fan/result", 1, false]);
  });

  it("is JSON in one order", () => {
    assert.equal(text({ ok: true }), '{"id":"a\\"b","ok":true}');
    assert.equal(text({ ok: true, value: 25 }), '{"id":"a\\"b","ok":true,"value":25}');
    assert.equal(text({ ok: true, value: Uint8Array.of(251, 255) }), '{"id":"a\\"b","ok":true,"value":"+/8="}');
    assert.equal(text({ ok: true, value: Number.NaN }), '{"id":"a\\"b","ok":true,"value":null}');
    const failed = text({ ok: false, code: "DEVICE_OFFLINE", message: "its link is down" });
    assert.equal(failed, '{"id":"a\\"b","ok":false,"code":"DEVICE_OFFLINE","message":"its link is down"}');
    const long: { message: string } = JSON.parse(text({ ok: false, code: "X", message: "m".repeat(9999) }));
    assert.equal(long.message.length, 500);
  });
});
