import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { execPath } from "node:process";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freePort, freeUdpPort } from "../support/ports.js";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const MAIN = join(import.meta.dirname, "..", "..", "src", "main.js");

/** Runs the demo on ports of its own. `path`: where programs are found, socat among them or not. */
async function runDemo(t: TestContext, path: string) {
  const [tcp, ws, upstream, coap] = [await freePort(), await freePort(), await freePort(), await freeUdpPort()];
  const overrides = [
    `broker.listeners.0=tcp://127.0.0.1:${tcp}`,
    `broker.listeners.1=ws://127.0.0.1:${ws}`,
    `simulator.upstream=tcp://127.0.0.1:${upstream}`,
    `bridges.0.url=mqtt://127.0.0.1:${upstream}`,
    `adapters.coap.listen=udp://127.0.0.1:${coap}`,
  ];
  const args = [MAIN, "run", join(ROOT, "examples", "demo.yaml"), ...overrides.flatMap((set) => ["--set", set])];
  const child = spawn(execPath, args, { env: { PATH: path }, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => end(child, "SIGKILL"));
  let said = "";
  let log = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await eventually(() => {
    assert.equal(child.exitCode, null, log);
    return said !== "";
  }, "the demo is up");
  const stop = (): Promise<number | null> => end(child, "SIGINT");
  return { upstream: `mqtt://127.0.0.1:${upstream}`, said: () => said, log: () => log, stop };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
  return child.exitCode;
}

for (const [wire, path, options] of [
  ["pseudo-terminals", process.env["PATH"] ?? "", needs("socat")],
  ["mock ports, where there is no socat", "/nowhere", {}],
] as const) {
  test(`the demo: readings of every device arrive upstream, over ${wire}`, options, async (t) => {
    const demo = await runDemo(t, path);
    const client = await connectClient(t, demo.upstream);
    const upstream = collect(client);
    await client.subscribeAsync("upstream/weir/#", { qos: 2 });
    const wanted = ["air/", "co2/co2", "gps/altitude", "gps/latitude", "meter", "solar/", "climate/"];
    const readingOf = (start: string) =>
      upstream.heard.find(({ topic }) => topic.startsWith(`upstream/weir/${start}`) && !topic.endsWith("/status"));
    // One speaks when it is asked, every 10 s, and some only of changes.
    await upstream.until(() => wanted.every((start) => readingOf(start) !== undefined), 60_000);
    assert.deepEqual(
      wanted.map((start) => readingOf(start)?.qos),
      [0, 1, 0, 2, 2, 1, 1],
    );
    await eventually(
      () => /^air {2,}pm/m.test(demo.said()) && /^meter {2,}/m.test(demo.said()),
      "the table shows them",
    );
    await client.publishAsync("upstream/weir/co2/range/set", '{"id":"7","value":5000}', { qos: 1 });
    await upstream.until((heard) => heard.some(({ topic }) => topic === "upstream/weir/co2/range/result"));
    const result = upstream.heard.find(({ topic }) => topic.endsWith("/result"));
    assert.equal(result?.payload, '{"id":"7","ok":true}');
    assert.equal(await demo.stop(), 0, demo.log());
    assert.doesNotMatch(demo.log(), /simulator_|serial_|coap_refused/);
  });
}
