import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Command, CommandResult } from "../../../src/core/command.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import type { Message, Origin } from "../../../src/core/message.js";
import { createDownlink, type Downlink } from "../../../src/router/index.js";

const CLIENT: Origin = { from: "client", client: "panel" };
const BRIDGE: Origin = { from: "bridge", bridge: "cloud" };

interface Bench {
  readonly downlink: Downlink;
  readonly commands: Command[];
  readonly results: string[];
  readonly origins: Origin[];
  readonly journal: Entry[];
}

function bench(result: CommandResult, full = false): Bench {
  const commands: Command[] = [];
  const results: string[] = [];
  const origins: Origin[] = [];
  const journal: Entry[] = [];
  const downlink = createDownlink({
    prefix: "weir",
    dispatcher: {
      submit: async (command) => {
        commands.push(command);
        return result;
      },
      close: () => {},
    },
    hasDevice: (device) => device === "air",
    resourceType: (_device, resource) => (resource === "fan" ? "number" : undefined),
    accept: async (message, origin) => {
      if (full) throw new WeirError("OUTBOX_FULL", "full");
      results.push(`${message.topic}=${Buffer.from(message.payload).toString()}`);
      origins.push(origin);
    },
    now: () => 1000,
    journal: (entry) => journal.push(entry),
    newId: () => "new",
  });
  return { downlink, commands, results, origins, journal };
}

function message(topic: string, payload: string): Message {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false };
}

describe("the way down", () => {
  it("runs a command and answers on its result topic", async () => {
    const at = bench({ ok: true, value: 25 });
    assert.equal(await at.downlink.handle(message("weir/air/fan/set", '{"id":"7","value":"25"}'), BRIDGE), true);
    assert.deepEqual(at.commands, [
      { id: "7", device: "air", resource: "fan", action: "write", value: 25, deadline: 11_000 },
    ]);
    assert.deepEqual(at.results, ['weir/air/fan/result={"id":"7","ok":true,"value":25}']);
    assert.deepEqual(at.origins, [{ from: "device", device: "air" }], "not the bridge's: it must go back up");
    assert.deepEqual(at.journal, []);
  });

  it("leaves other messages alone", async () => {
    const at = bench({ ok: true });
    assert.equal(await at.downlink.handle(message("weir/air/fan", "25"), CLIENT), false);
    assert.equal(await at.downlink.handle(message("weir/air/fan/result", "{}"), CLIENT), false);
    assert.deepEqual([at.commands, at.results], [[], []]);
  });

  it("answers what cannot be understood", async () => {
    const at = bench({ ok: true });
    await at.downlink.handle(message("weir/air/fan/set", '{"id":"7","value":"warm"}'), CLIENT);
    assert.match(
      at.results[0] ?? "",
      /^weir\/air\/fan\/result=\{"id":"7","ok":false,"code":"VALUE_INVALID","message":"/,
    );
    assert.deepEqual(at.commands, []);
    assert.deepEqual(
      at.journal.map(({ event, at: place, reason }) => [event, place, reason]),
      [["command_refused", "air", "value_invalid"]],
    );
  });

  it("answers a client that names no device of ours, and leaves the bridge's to other gateways", async () => {
    const at = bench({ ok: true });
    assert.equal(await at.downlink.handle(message("weir/nobody/fan/set", "25"), BRIDGE), true);
    assert.deepEqual([at.commands, at.results], [[], []]);
    await at.downlink.handle(message("weir/nobody/fan/set", "25"), CLIENT);
    assert.match(at.results[0] ?? "", /^weir\/nobody\/fan\/result=\{"id":"new","ok":false,"code":"DEVICE_UNKNOWN"/);
    assert.deepEqual(
      at.journal.map((entry) => [entry.event, entry.at]),
      [
        ["command_not_ours", "cloud"],
        ["command_refused", "unknown device"],
      ],
    );
  });

  it("does not fail where the result is refused, and says so", async () => {
    const at = bench({ ok: false, code: "DEVICE_OFFLINE", message: "down" }, true);
    assert.equal(await at.downlink.handle(message("weir/air/fan/get", ""), CLIENT), true);
    assert.deepEqual(
      at.journal.map((entry) => [entry.event, entry.reason]),
      [
        ["command_refused", "device_offline"],
        ["result_refused", undefined],
      ],
    );
  });
});
