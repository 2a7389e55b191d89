import assert from "node:assert/strict";
import { test } from "node:test";
import { bundledFolder, loadProfile, serialCodec } from "../../../src/profile/index.js";
import { bytesText, type PlayOptions, play } from "../../../src/simulator/command.js";
import { openPty } from "../../../src/simulator/pty.js";
import { eventually } from "../../support/eventually.js";
import { needs } from "../../support/peers.js";
import { freeUdpPort } from "../../support/ports.js";

const NOW = Date.UTC(2025, 10, 23, 12);

function options(name: string, lines: string[], signal: AbortSignal): PlayOptions {
  const profile = loadProfile(name, [bundledFolder]);
  return { profile, now: () => NOW, signal, journal: () => {}, print: (line) => lines.push(line) };
}

test("a frame is one line: time, bytes, values", needs("socat"), async (t) => {
  const pty = await openPty({ journal: () => {}, at: "test" });
  t.after(() => pty.close());
  const heard: Buffer[] = [];
  pty.line.onData((bytes) => heard.push(Buffer.from(bytes)));
  const lines: string[] = [];
  const stop = new AbortController();
  const playing = play({ ...options("generic/text-line", lines, stop.signal), port: pty.devicePath, seed: 1 });
  await eventually(() => lines.length > 0 && heard.length > 0, "a frame was said and heard");
  stop.abort();
  await playing;
  assert.match(lines[0] ?? "", /^2025-11-23T12:00:00\.000Z {2}"[^\n"]+\\r\\n" {2}temperature=[\d.]+ humidity=[\d.]+$/);
  assert.ok(lines[0]?.includes(JSON.stringify(heard[0]?.toString())));
});

test("the same seed says the same, another one something else", needs("socat"), async (t) => {
  const first = async (seed: number): Promise<string> => {
    const pty = await openPty({ journal: () => {}, at: "test" });
    t.after(() => pty.close());
    const lines: string[] = [];
    const stop = new AbortController();
    const playing = play({ ...options("plantower/pms5003", lines, stop.signal), port: pty.devicePath, seed });
    await eventually(() => lines.length > 0, "a frame was said");
    stop.abort();
    await playing;
    return lines[0] ?? "";
  };
  const said = await first(1);
  assert.match(said, / {2}424d001c[0-9a-f]{56} {2}.*\bpm2_5=\d/);
  assert.equal(await first(1), said);
  assert.notEqual(await first(2), said);
});

test(
  "a port that is unplugged ends it with an error, also while the device has nothing to say",
  needs("socat"),
  async () => {
    const pty = await openPty({ journal: () => {}, at: "test" });
    const signal = new AbortController().signal;
    const lines: string[] = [];
    const device = options("winsen/mh-z19b", lines, signal);
    const failed = assert.rejects(play({ ...device, port: pty.devicePath }), {
      code: "PORT_FAILED",
      message: /failed: /,
    });
    const [poll = assert.fail()] = serialCodec(device.profile).polls;
    await eventually(async () => {
      await pty.line.write(poll.request);
      // Until it has answered; it takes silence for the end of a request.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return lines.length > 0;
    }, "it answered a poll");
    await pty.close();
    await failed;
  },
);

test("a post is one line: time, path, values, what came of it", async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  const target = `coap://127.0.0.1:${await freeUdpPort()}`;
  const playing = play({
    ...options("generic/climate-coap", lines, stop.signal),
    coap: target,
    device: "hall",
    patience: 50,
  });
  await eventually(() => lines.length > 0, "a post was given up");
  stop.abort();
  await playing;
  assert.match(
    lines[0] ?? "",
    /^2025-11-23T12:00:00\.000Z {2}POST \/hall {2}temperature=[\d.]+ humidity=[\d.]+ {2}(timeout|failed)$/,
  );
});

test("wrong usage says what is wrong", async () => {
  const base = options("plantower/pms5003", [], new AbortController().signal);
  const coap = options("generic/climate-coap", [], new AbortController().signal);
  for (const [wrong, code, message] of [
    [base, "COMMAND_INVALID", /needs either --port PATH or --coap URL/],
    [{ ...base, port: "/dev/x", coap: "coap://x" }, "COMMAND_INVALID", /needs either/],
    [{ ...coap, coap: "127.0.0.1" }, "COMMAND_INVALID", /is no CoAP server/],
    [{ ...coap, port: "/dev/x" }, "PROFILE_INVALID", /climate-coap cannot be simulated: .* has no serial section/],
    [{ ...base, port: "/nowhere/tty" }, "PORT_FAILED", /\/nowhere\/tty cannot be used: .*No such file/],
  ] as const) {
    await assert.rejects(play(wrong), { code, message });
  }
});

test("text is shown as text, anything else as hexadecimal digits", () => {
  assert.equal(bytesText(Buffer.from('T=21.5 "x"\r\n')), '"T=21.5 \\"x\\"\\r\\n"');
  assert.equal(bytesText(Buffer.from([0x42, 0x4d, 0])), "424d00");
  assert.equal(bytesText(Buffer.from("é")), "c3a9");
});
