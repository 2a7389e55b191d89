/** The gateway as a process that is killed around commands: no id is carried out twice, and each gets one outcome. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { runGateway } from "../support/gateway-process.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { openPty } from "../support/pty.js";
import { openFarEnd } from "../support/serial-replay.js";

const PROFILE = `
vendor: Test
model: Valve
resources:
  level: { type: integer, access: W }
serial:
  framing: { line: { max: 80 } }
  messages:
    done: { match: { text: "OK" } }
  commands:
    level: { text: "L={value}\\r\\n", value: {}, answer: done, timeout: 5s }
`;
const ROUNDS = 10;

interface Outcome {
  readonly id: string;
  readonly ok: boolean;
  readonly code?: string;
}

test("kill -9 around commands from the upstream: none is carried out twice, each has an outcome", {
  ...needs("mosquitto", "socat"),
  timeout: 120_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-commands-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startMosquitto(t);
  const pty = await openPty();
  const far = await openFarEnd(pty.far, 9600);
  t.after(async () => {
    await far.close();
    await pty.close();
  });
  mkdirSync(join(folder, "test"));
  writeFileSync(join(folder, "test", "valve.yaml"), PROFILE);
  const config = join(folder, "weir.yaml");
  writeFileSync(
    config,
    `gateway: { id: g }
profiles: [.]
broker: { listeners: ["tcp://127.0.0.1:0"] }
bridges: [{ id: up, url: "${upstream.url}" }]
devices: [{ id: valve, adapter: serial, profile: test/valve, address: { path: ${pty.near} } }]
`,
  );

  const carriedOut = new Map<string, number>();
  let heard = "";
  let onCommand = (): void => {};
  let silent = false;
  far.answer((piece) => {
    heard += piece.toString("latin1");
    let answer = "";
    for (let end = heard.indexOf("\r\n"); end >= 0; end = heard.indexOf("\r\n")) {
      const id = heard.slice(2, end);
      heard = heard.slice(end + 2);
      carriedOut.set(id, (carriedOut.get(id) ?? 0) + 1);
      onCommand();
      answer += "OK\r\n";
    }
    return answer === "" || silent ? undefined : Buffer.from(answer);
  });

  const client = await connectClient(t, upstream.url);
  await client.subscribeAsync("weir/valve/level/result", { qos: 1 });
  const { heard: results } = collect(client);
  const outcomes = (id: string): string[] =>
    results
      .map(({ payload }) => JSON.parse(payload) as Outcome)
      .filter((one) => one.id === id)
      .map((one) => (one.ok ? "ok" : (one.code ?? "")));
  const sent: string[] = [];
  const send = async (): Promise<void> => {
    const id = `${sent.length + 1}`;
    sent.push(id);
    const payload = JSON.stringify({ id, value: Number(id), timeout: "1h" });
    await client.publishAsync("weir/valve/level/set", payload, { qos: 1 });
  };
  const answered = (): boolean => sent.every((id) => outcomes(id).length > 0);

  const watcher = await connectClient(t, upstream.url);
  const online = collect(watcher).until((all) => all.some(({ payload }) => payload === "online"));
  await watcher.subscribeAsync("weir/$gateway/g/status", { qos: 1 });
  // Its session at the upstream is there once it says that it is online.
  let gateway = await runGateway(t, config);
  await online;
  await send();
  await eventually(answered, "the first command is answered");
  for (let round = 0; round < ROUNDS; round++) {
    const moment = new Promise<void>((resolve) => {
      // Once the device has it, or at any moment.
      if (round % 2 === 0) onCommand = resolve;
      else setTimeout(resolve, Math.random() * 30);
    });
    // Then it is in the middle of one for sure, and the other one waits.
    silent = round % 4 === 0;
    await Promise.all([send(), send()]);
    await moment;
    await sleep(Math.random() * 4);
    await gateway.signal("SIGKILL");
    silent = false;
    onCommand = () => {};
    // While it is away.
    await send();
    gateway = await runGateway(t, config);
    await eventually(answered, "all is answered");
  }
  // Whoever asks again hears the same.
  const before = sent.map((id) => outcomes(id)[0]);
  for (const id of sent) {
    const payload = JSON.stringify({ id, value: Number(id), timeout: "1h" });
    const count = outcomes(id).length;
    await client.publishAsync("weir/valve/level/set", payload, { qos: 1 });
    await eventually(() => outcomes(id).length > count, `${id} is answered again`);
  }
  for (const [index, id] of sent.entries()) {
    const times = carriedOut.get(id) ?? 0;
    assert.deepEqual([...new Set(outcomes(id))], [before[index]], `${id} has one outcome`);
    if (before[index] === "ok") assert.equal(times, 1, `${id} was carried out ${times} times`);
    else assert.equal(before[index], "COMMAND_INTERRUPTED");
    assert.ok(times <= 1, `${id} was carried out ${times} times`);
  }
  const interrupted = before.filter((outcome) => outcome === "COMMAND_INTERRUPTED").length;
  t.diagnostic(`${sent.length} commands, ${interrupted} interrupted`);
  assert.ok(interrupted >= 3, "it was killed in the middle of three at least");
  assert.ok(before.filter((outcome) => outcome === "ok").length > ROUNDS);
});
