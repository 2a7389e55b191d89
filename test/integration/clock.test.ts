/**
 * A gateway that comes up a day behind: readings of a serial line and of a CoAP device, through the real ports and the real
 * loader, with a clock that is set by hand.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Gateway, startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { parseMessage } from "../../src/protocols/coap/index.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { collect, connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";
import { openPty } from "../support/pty.js";
import { openFarEnd } from "../support/serial-replay.js";
import { connect } from "../unit/adapters/coap/client.js";

const RIGHT = Date.UTC(2026, 10, 23, 12);
const DAY = 86_400_000;

interface Site {
  /** By how much the machine's clock is wrong, in ms. */
  wrong: number;
  /** What time it really is. */
  right(): number;
  /** timesyncd says that it has set the clock. */
  synchronize(): void;
  start(wait: string): Promise<Gateway>;
  readonly coapPort: number;
  readonly far: Awaited<ReturnType<typeof openFarEnd>>;
}

async function site(t: TestContext): Promise<Site> {
  const folder = temporaryFolder("weir-clock-");
  const timesync = join(folder, "timesync");
  mkdirSync(timesync);
  const pty = await openPty();
  t.after(() => pty.close());
  const far = await openFarEnd(pty.far);
  t.after(() => far.close());
  const coapPort = await freeUdpPort();
  const right = (): number => RIGHT + performance.now();
  const own: Site = {
    wrong: -DAY,
    right,
    synchronize: () => writeFileSync(join(timesync, "synchronized"), ""),
    coapPort,
    far,
    start: async (wait) => {
      const file = join(folder, "weir.yaml");
      writeFileSync(
        file,
        `gateway: { id: g, clock: { wait: ${wait} } }
broker: { listeners: [tcp://127.0.0.1:0] }
adapters: { coap: { listen: "udp://127.0.0.1:${coapPort}" } }
devices:
  - { id: line, adapter: serial, profile: generic/text-line, address: ${pty.near} }
  - { id: post, adapter: coap }
`,
      );
      const write = (line: string): void => t.diagnostic(line);
      const recorder = createRecorder({ level: "error", format: "text", write, now: Date.now });
      const plan = makePlan({ file, set: [], env: {} });
      const gateway = await startGateway({ plan, recorder, now: () => right() + own.wrong, timesync });
      t.after(() => gateway.close());
      return gateway;
    },
  };
  return own;
}

async function listen(t: TestContext, gateway: Gateway) {
  const client = await connectClient(t, gateway.listeners[0]);
  const { heard, until } = collect(client);
  await client.subscribeAsync("weir/+/+");
  const readings = (): { topic: string; v: unknown; t: number; q: string }[] =>
    heard
      .filter(({ topic, payload }) => payload.startsWith("{") && !topic.includes("$"))
      .map(({ topic, payload }) => ({ topic, ...JSON.parse(payload) }));
  await until((all) => all.some(({ topic, payload }) => topic === "weir/line/status" && payload === "online"));
  return { readings };
}

const counter = (gateway: Gateway, event: string): number =>
  gateway
    .counters()
    .filter((one) => one.event === event)
    .reduce((sum, { count }) => sum + count, 0);

test("readings before the clock is set go out with the time at which they were measured", needs("socat"), async (t) => {
  const here = await site(t);
  const gateway = await here.start("4m");
  const { readings } = await listen(t, gateway);
  assert.deepEqual(gateway.clock(), { set: false, source: "none", held: 0 });

  const before = here.right();
  await here.far.send(Buffer.from("T=20.5 H=50\r\n"));
  await eventually(() => gateway.clock().held === 2, "the line is held");
  await here.far.send(Buffer.from("T=21.5 H=50\r\n"));
  await eventually(() => gateway.clock().held === 4, "the line is not stopped");
  const device = await connect(here.coapPort);
  t.after(() => device.close());
  const json = { path: "post", format: 50 };
  const own = RIGHT - 60_000;
  const acknowledged = device.ask({ ...json, payload: JSON.stringify({ level: 1 }) });
  await eventually(() => gateway.clock().held === 5, "the post is held");
  const other = await connect(here.coapPort);
  t.after(() => other.close());
  void other.ask({ path: "post/level", format: 50, payload: JSON.stringify({ v: 2, t: own }) }).catch(() => {});
  await eventually(() => gateway.clock().held === 6, "one with a time of its own as well");
  // RFC 7252 5.2.2: an empty acknowledgement, for the answer takes a while.
  assert.equal((await acknowledged).code, "0.00");
  const after = here.right();
  assert.deepEqual(readings(), []);

  const answered = once(device.socket, "message", { signal: AbortSignal.timeout(20_000) });
  here.wrong = 0;
  here.synchronize();
  const [datagram] = (await answered) as [Buffer];
  const answer = parseMessage(datagram);
  assert.equal(answer.ok && answer.message.code, "2.04");
  await eventually(() => readings().length === 6, "all of them arrive");
  assert.deepEqual(
    readings()
      .map(({ topic, v, q }) => `${topic} ${v} ${q}`)
      .sort(),
    [
      "weir/line/humidity 50 good",
      "weir/line/humidity 50 good",
      "weir/line/temperature 20.5 good",
      "weir/line/temperature 21.5 good",
      "weir/post/level 1 good",
      "weir/post/level 2 good",
    ],
  );
  for (const { v, t: time } of readings()) {
    if (v === 2) assert.equal(time, own);
    else assert.ok(time >= Math.floor(before) && time <= Math.ceil(after), `${v} was measured at ${time}`);
  }
  assert.deepEqual(gateway.clock(), { set: true, source: "timesyncd", held: 0 });
  assert.deepEqual([counter(gateway, "clock_set"), counter(gateway, "clock_uncertain")], [1, 0]);
});

test(
  "without any source of time they go out marked uncertain, and good once the clock is set",
  needs("socat"),
  async (t) => {
    const here = await site(t);
    const gateway = await here.start("0s");
    const { readings } = await listen(t, gateway);
    await here.far.send(Buffer.from("T=20.5 H=50\r\n"));
    await eventually(() => readings().length === 2, "it is not held");
    assert.equal(readings()[0]?.q, "uncertain");
    assert.ok(Math.abs((readings()[0]?.t ?? 0) - (here.right() - DAY)) < 60_000);
    here.wrong = 0;
    here.synchronize();
    await eventually(() => gateway.clock().set, "the clock is set");
    await here.far.send(Buffer.from("T=20.6 H=50\r\n"));
    await eventually(() => readings().length === 4, "the next one arrives");
    assert.equal(readings()[2]?.q, "good");
    assert.ok(Math.abs((readings()[2]?.t ?? 0) - here.right()) < 60_000);
  },
);

test(
  "what is held when the gateway stops goes out before it ends, and the device is answered",
  needs("socat"),
  async (t) => {
    const here = await site(t);
    const gateway = await here.start("4m");
    const { readings } = await listen(t, gateway);
    await here.far.send(Buffer.from("T=20.5 H=50\r\n"));
    const device = await connect(here.coapPort);
    t.after(() => device.close());
    const answered = device.ask({ path: "post", format: 50, payload: JSON.stringify({ level: 1 }) });
    await eventually(() => gateway.clock().held === 3, "both are held");
    await gateway.close();
    assert.equal((await answered).code, "2.04");
    await eventually(() => readings().length === 3, "both are out");
    assert.deepEqual(
      readings().map(({ q }) => q),
      ["uncertain", "uncertain", "uncertain"],
    );
  },
);
