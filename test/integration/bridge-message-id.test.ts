import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { openLink } from "../support/link.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient } from "../support/mqtt.js";
import { range } from "../support/numbers.js";
import { needs } from "../support/peers.js";
import { type Arrival, startScriptedUpstream } from "../support/scripted-upstream.js";

const BACKOFF = "backoff: { min: 20ms, max: 100ms }";
const CONSUMER = join(import.meta.dirname, "..", "..", "..", "examples", "deduplicate.mjs");

/** From MQTT 5's user property or the payload's field. */
function idOf({ properties, payload }: Arrival): unknown {
  return properties?.userProperties?.["weir-id"] ?? (JSON.parse(payload) as { weirId?: unknown }).weirId;
}

for (const [protocol, messageId] of [
  [4, "field"],
  [5, "field"],
  [5, "property"],
] as const) {
  test(`messageId ${messageId}, MQTT version ${protocol}: a message has the same id again after kill -9`, async (t) => {
    let answers = false;
    const upstream = await startScriptedUpstream(t, { answer: () => (answers ? "acknowledge" : "ignore") });
    const gateway = await startGatewayProcess(
      t,
      `[{ id: up, url: "${upstream.url}", protocol: ${protocol}, messageId: ${messageId}, ${BACKOFF} }]`,
    );
    const client = await connectClient(t, gateway.url);
    const publish = (n: number): Promise<unknown> => client.publishAsync("weir/n", `{"n":${n}}`, { qos: 1 });
    await Promise.all(range(0, 20).map(publish));
    await eventually(() => upstream.arrivals.length >= 20, "they were sent");
    await gateway.kill();
    answers = true;
    await gateway.start();
    await eventually(() => upstream.arrivals.length >= 40, "they are sent again");
    const [before, after] = [upstream.arrivals.slice(0, 20), upstream.arrivals.slice(20)];
    assert.deepEqual(after.map(idOf), before.map(idOf));
    assert.deepEqual(
      after.map(({ payload }) => (JSON.parse(payload) as { n: number }).n),
      range(0, 20),
    );
    assert.equal(new Set(after.map(idOf)).size, 20);
    for (const each of after) assert.match(String(idOf(each)), /^g:[0-9a-f]{8}:\d+$/);
  });
}

/** What the example prints. */
async function consumer(t: TestContext, url: string): Promise<{ readonly lines: string[] }> {
  const lines: string[] = [];
  const child = spawn(process.execPath, [CONSUMER, url, "weir/#"], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.setEncoding("utf8");
  let rest = "";
  child.stdout.on("data", (text: string) => {
    const parts = `${rest}${text}`.split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  t.after(async () => {
    const ended = once(child, "exit");
    if (child.kill()) await ended;
  });
  return { lines };
}

for (const [protocol, messageId] of [
  [4, "field"],
  [5, "property"],
] as const) {
  test(`messageId ${messageId}: examples/deduplicate.mjs hands on each message once`, needs("mosquitto"), async (t) => {
    const upstream = await startMosquitto(t, "max_queued_messages 0\n");
    const port = Number(new URL(upstream.url).port);
    const link = await openLink(port);
    t.after(() => link.close());
    const { lines } = await consumer(t, `${upstream.url}${protocol === 4 ? "?v=4" : ""}`);
    const observer = await connectClient(t, upstream.url);
    const { heard } = collect(observer);
    await observer.subscribeAsync("weir/n", { qos: 1 });
    await eventually(async () => {
      await observer.publishAsync("weir/ready", "", { qos: 1 });
      return lines.some((line) => line.startsWith("weir/ready"));
    }, "the consumer has subscribed");
    const url = `mqtt://127.0.0.1:${link.port}`;
    const gateway = await startGatewayProcess(
      t,
      `[{ id: up, url: "${url}", protocol: ${protocol}, messageId: ${messageId}, ${BACKOFF}, rules: [{ filter: weir/n, direction: out }] }]`,
    );
    const numbers = (texts: readonly string[]): number[] => texts.map((text) => (JSON.parse(text) as { n: number }).n);
    for (let round = 0; round < 6; round++) {
      const client = await connectClient(t, gateway.url);
      await eventually(() => link.open > 0, "the bridge is connected");
      // Acknowledgements are lost, of which each is 4 bytes, or the whole gateway.
      link.cutAfter("down", 4 * 10, "close");
      const some = range(round * 50, round * 50 + 50);
      await Promise.all(some.map((n) => client.publishAsync("weir/n", `{"n":${n}}`, { qos: 1 })));
      if (round % 2 === 0) continue;
      await gateway.kill();
      await gateway.start();
    }
    const printed = (): number[] =>
      numbers(lines.filter((line) => line.startsWith("weir/n ")).map((line) => line.slice("weir/n ".length)));
    await eventually(() => new Set(printed()).size >= 300, "all have arrived");
    await observer.publishAsync("weir/end", "", { qos: 1 });
    await eventually(() => lines.some((line) => line.startsWith("weir/end")), "nothing is behind them");
    const arrived = numbers(heard.map(({ payload }) => payload));
    assert.ok(arrived.length > 300, "the upstream had some twice");
    assert.deepEqual(
      printed().sort((a, b) => a - b),
      range(0, 300),
    );
  });
}
