import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Command, CommandResult } from "../../../src/core/command.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import type { Message, Origin } from "../../../src/core/message.js";
import { commandAccess, createDownlink, type Downlink, type DownlinkOptions } from "../../../src/router/index.js";
import { settled } from "./clock.js";

const CLIENT: Origin = { from: "client", client: "panel" };
const BRIDGE: Origin = { from: "bridge", bridge: "cloud" };

interface Bench {
  readonly downlink: Downlink;
  readonly commands: Command[];
  /** The ids of those that are to last. */
  readonly lasting: string[];
  readonly results: string[];
  readonly origins: Origin[];
  readonly journal: Entry[];
}

function bench(result: CommandResult, full = false, more: Partial<DownlinkOptions> = {}): Bench {
  const commands: Command[] = [];
  const lasting: string[] = [];
  const results: string[] = [];
  const origins: Origin[] = [];
  const journal: Entry[] = [];
  const downlink = createDownlink({
    prefix: "weir",
    dispatcher: {
      submit: (command, lasts) => {
        commands.push(command);
        if (lasts === true) lasting.push(command.id);
        return { taken: Promise.resolve(), result: Promise.resolve(result), told: () => {} };
      },
      wake: () => {},
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
    ...more,
  });
  return { downlink, commands, lasting, results, origins, journal };
}

/** Its answer comes after it. */
async function handled({ downlink }: Bench, command: Message, origin: Origin): Promise<boolean> {
  const isCommand = await downlink.handle(command, origin);
  await settled();
  return isCommand;
}

function message(topic: string, payload: string): Message {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false };
}

describe("the way down", () => {
  it("runs a command and answers on its result topic", async () => {
    const at = bench({ ok: true, value: 25 });
    assert.equal(await handled(at, message("weir/air/fan/set", '{"id":"7","value":"25"}'), BRIDGE), true);
    assert.deepEqual(at.commands, [
      { id: "7", device: "air", resource: "fan", action: "write", value: 25, deadline: 11_000 },
    ]);
    assert.deepEqual(at.results, ['weir/air/fan/result={"id":"7","ok":true,"value":25}']);
    assert.deepEqual(at.origins, [{ from: "device", device: "air" }], "not the bridge's: it must go back up");
    assert.deepEqual(at.journal, []);
  });

  it("leaves other messages alone", async () => {
    const at = bench({ ok: true });
    assert.equal(await handled(at, message("weir/air/fan", "25"), CLIENT), false);
    assert.equal(await handled(at, message("weir/air/fan/result", "{}"), CLIENT), false);
    assert.deepEqual([at.commands, at.results], [[], []]);
  });

  it("answers what cannot be understood", async () => {
    const at = bench({ ok: true });
    await handled(at, message("weir/air/fan/set", '{"id":"7","value":"warm"}'), CLIENT);
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
    assert.equal(await handled(at, message("weir/nobody/fan/set", "25"), BRIDGE), true);
    assert.deepEqual([at.commands, at.results], [[], []]);
    await handled(at, message("weir/nobody/fan/set", "25"), CLIENT);
    assert.match(at.results[0] ?? "", /^weir\/nobody\/fan\/result=\{"id":"new","ok":false,"code":"DEVICE_UNKNOWN"/);
    assert.deepEqual(
      at.journal.map((entry) => [entry.event, entry.at]),
      [
        ["command_not_ours", "cloud"],
        ["command_refused", "unknown device"],
      ],
    );
  });

  it("notes what has an id and changes something: not a read, nor what nobody can recognize", async () => {
    const at = bench({ ok: true });
    await handled(at, message("weir/air/fan/set", '{"id":"1","value":1}'), BRIDGE);
    await handled(at, message("weir/air/fan/exec", '{"id":"2"}'), BRIDGE);
    await handled(at, message("weir/air/fan/get", '{"id":"3"}'), BRIDGE);
    await handled(at, message("weir/air/fan/set", "1"), BRIDGE);
    assert.equal(at.commands.length, 4);
    assert.deepEqual(at.lasting, ["1", "2"]);
  });

  it("is acknowledged once it is taken, whatever became of it", async () => {
    let take = (): void => {};
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    const dispatcher = {
      submit: () => ({ taken, result: new Promise<CommandResult>(() => {}), told: () => {} }),
      wake: () => {},
      close: () => {},
    };
    const at = bench({ ok: true }, false, { dispatcher });
    let acknowledged = false;
    const done = at.downlink.handle(message("weir/air/fan/set", '{"id":"1","value":1}'), BRIDGE).then(() => {
      acknowledged = true;
    });
    await settled();
    assert.equal(acknowledged, false);
    take();
    await done;
    assert.deepEqual(at.results, []);
  });

  it("runs only what the rules allow, and says who wanted more", async () => {
    const allowed = commandAccess([{ from: "cloud", actions: ["set"] }]);
    const at = bench({ ok: true }, false, { allowed });
    await handled(at, message("weir/air/fan/set", '{"id":"1","value":1}'), BRIDGE);
    await handled(at, message("weir/air/fan/set", '{"id":"2","value":1}'), CLIENT);
    await handled(at, message("weir/air/fan/exec", '{"id":"3"}'), BRIDGE);
    assert.deepEqual(
      at.commands.map(({ id }) => id),
      ["1"],
    );
    assert.match(at.results[1] ?? "", /^weir\/air\/fan\/result=\{"id":"2","ok":false,"code":"COMMAND_FORBIDDEN"/);
    assert.deepEqual(
      at.journal.map(({ event, at: place, reason }) => [event, place, reason]),
      Array(2).fill(["command_refused", "air", "command_forbidden"]),
    );
    assert.match(at.journal[0]?.message ?? "", /lets client "panel" do that/);
    assert.match(at.journal[1]?.message ?? "", /lets bridge cloud do that/);
  });

  it("refuses an absolute deadline while the clock is not set", async () => {
    const at = bench({ ok: true }, false, { clockSet: () => false });
    await handled(at, message("weir/air/fan/set", '{"id":"1","value":1,"deadline":2000}'), BRIDGE);
    await handled(at, message("weir/air/fan/set", '{"id":"2","value":1,"timeout":"1s"}'), BRIDGE);
    assert.match(at.results[0] ?? "", /"id":"1","ok":false,"code":"COMMAND_EXPIRED"/);
    assert.deepEqual(
      at.commands.map(({ id }) => id),
      ["2"],
    );
  });

  it("does not fail where the result is refused, and says so", async () => {
    const at = bench({ ok: false, code: "DEVICE_OFFLINE", message: "down" }, true);
    assert.equal(await handled(at, message("weir/air/fan/get", ""), CLIENT), true);
    assert.deepEqual(
      at.journal.map((entry) => [entry.event, entry.reason]),
      [
        ["command_refused", "device_offline"],
        ["result_refused", undefined],
      ],
    );
  });
});
