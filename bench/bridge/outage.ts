import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { type Load, runLoad, startLoad } from "../load.js";
import { processorSeconds } from "../processor.js";
import { type Row, row } from "../report.js";
import { freePort, residentMb } from "../subject.js";
import {
  accepts,
  again,
  type Contestant,
  mosquittoBridge,
  type Running,
  type Setup,
  settings,
  startMosquitto,
  WINDOW,
  weir,
} from "./subjects.js";

export interface OutageSizes {
  /** Messages that wait at the end of the outage: beside the peer, and of Weir alone (0 leaves it out). */
  readonly beside: number;
  readonly alone: number;
}

/** Pauses between attempts to connect: mosquitto's `restart_timeout 1`. The default grows to a minute. */
const BACKOFF = { backoff: { min: "100ms", max: "1s" } };
const PUBLISHERS = 50;
const LOAD = ["-P", PUBLISHERS, "-q", 1, "-s", 256];
/** Messages that go through the bridge before the outage. */
const WARM = 100_000;
const PREFIX = "load/outage";
/** ms from traffic to reading the memory: garbage is collected. */
const SETTLE_MS = 3_000;
/** ms between two looks at the memory during the outage. */
const LOOK_MS = 200;
/** Messages a second below which catching up is given up as stalled. */
const SLOWEST = 2_000;

interface Outcome {
  /** Before any traffic, after some through the bridge, and the most in the outage. */
  readonly idleMb: number;
  readonly warmMb: number;
  readonly mostMb: number;
  /** ms from the upstream's listening, or from the gateway's spawn, to the first message there. */
  readonly firstMs: number;
  /** From the first message to the last. */
  readonly perSecond: number;
  readonly lost: number;
  readonly twice: number;
}

/** What an outage costs and how it ends. */
export async function outage(setup: Setup, { beside, alone }: OutageSizes): Promise<Row[]> {
  if (!(await accepts(setup, BACKOFF))) {
    setup.say(`no outage: this build does not accept ${JSON.stringify(BACKOFF)}`);
    return [];
  }
  const ours = weir(setup, "commit", BACKOFF);
  const peer = mosquittoBridge(setup, { persistence: false, inflight: WINDOW });
  const rows = described(
    await suffer(setup, ours, beside, "outage"),
    beside,
    await suffer(setup, peer, beside, "outage"),
  );
  const killed = await suffer(setup, ours, beside, "kill -9");
  rows.push(
    row(`kill -9 with ${count(beside)} queued: spawn to first message, ms`, [killed.firstMs]),
    row(`kill -9 with ${count(beside)} queued: lost`, [killed.lost]),
    row(`kill -9 with ${count(beside)} queued: twice`, [killed.twice]),
  );
  if (alone > 0) rows.push(...described(await suffer(setup, ours, alone, "outage"), alone));
  return rows;
}

function described(ours: Outcome, messages: number, theirs?: Outcome): Row[] {
  const each = (what: string, pick: (outcome: Outcome) => number): Row =>
    row(`outage of ${count(messages)}: ${what}`, [pick(ours)], theirs === undefined ? [] : [pick(theirs)]);
  return [
    each("RSS idle, MB", (outcome) => outcome.idleMb),
    each(`RSS after ${count(WARM)} carried, MB`, (outcome) => outcome.warmMb),
    each("most RSS while the upstream is away, MB", (outcome) => outcome.mostMb),
    each("upstream listens to first message, ms", (outcome) => outcome.firstMs),
    each("catching up, messages/s", (outcome) => outcome.perSecond),
    each("lost", (outcome) => outcome.lost),
    each("twice", (outcome) => outcome.twice),
  ];
}

/** One outage, in which so many messages are taken. With `kill -9` the bridge ends in it too and is started after it. */
async function suffer(
  setup: Setup,
  contestant: Contestant,
  messages: number,
  end: "outage" | "kill -9",
): Promise<Outcome> {
  const port = await freePort();
  const state = await mkdtemp(join(setup.folder, "upstream-"));
  // The upstream knows its subscriber again: whatever arrives before it is back waits for it.
  const text = `${settings(port, WINDOW)}persistence true\npersistence_location ${state}/\nautosave_interval 0\n`;
  let upstream = await startMosquitto(setup, port, text);
  let subject: Running | undefined;
  let receiver: Load | undefined;
  try {
    subject = await contestant.start(port);
    const ports = ["-p", subject.port, "-b", port];
    // The first ones come once the bridge is connected.
    await runLoad(setup.mqttload, ["fanin", ...ports, "-P", 1, "-q", 1, "-n", 100, "-d", 10]);
    await delay(SETTLE_MS);
    const idleMb = await residentMb(subject.pid);
    // What any traffic costs, compiled code and a grown heap, is not what an outage costs.
    await runLoad(setup.mqttload, ["fanin", ...ports, ...LOAD, "-n", WARM, "-d", 10]);
    const durable = ["-q", 1, "-C", "-R", "-P", PUBLISHERS, "-T", PREFIX, "-n", messages];
    receiver = startLoad(setup.mqttload, ["sub", "-p", port, ...durable]);
    await receiver.happened("ready");
    await delay(SETTLE_MS);
    const warmMb = await residentMb(subject.pid);

    await upstream.stop();
    const mostMb = await feed(setup, contestant.name, subject, messages);
    if (end === "kill -9") {
      subject.process.kill("SIGKILL");
      await subject.stop();
    }
    upstream = await startMosquitto(setup, port, text);
    const from = performance.now();
    if (end === "kill -9") subject = await again(subject);
    const outcome = await catchUp(setup, contestant.name, receiver, [subject, upstream], from, messages);
    return { idleMb, warmMb, mostMb, ...outcome };
  } finally {
    receiver?.stop();
    await subject?.stop();
    await upstream.stop();
  }
}

/** Publishes into the bridge while its upstream is away. The most memory it had meanwhile, in MB. */
async function feed(setup: Setup, name: string, subject: Running, messages: number): Promise<number> {
  const args = [...LOAD, "-T", PREFIX, "-n", messages, "-d", 60, "-c", subject.pid];
  const load = startLoad(setup.mqttload, ["pub", "-p", subject.port, ...args]);
  const fed = load.ended.then(
    () => true,
    () => true,
  );
  let mostMb = 0;
  while (!(await Promise.race([fed, delay(LOOK_MS, false)]))) mostMb = Math.max(mostMb, await residentMb(subject.pid));
  const { report } = await load.ended;
  const busy = report.processes[0]?.percent ?? "?";
  setup.say(`${name}: took ${report.acknowledged} at ${Math.round(report.perSecond)}/s; bridge ${busy} %`);
  if (report.acknowledged < messages)
    throw new Error(`${name} took only ${report.acknowledged} of ${messages} messages\n${subject.said()}`);
  return Math.max(mostMb, await residentMb(subject.pid));
}

async function catchUp(
  setup: Setup,
  name: string,
  receiver: Load,
  watched: readonly [Running, Running],
  from: number,
  messages: number,
): Promise<Omit<Outcome, "idleMb" | "warmMb" | "mostMb">> {
  const patience = setTimeout(() => receiver.stop(), 60_000 + (messages / SLOWEST) * 1_000);
  const used = (): Promise<number[]> => Promise.all(watched.map(({ pid }) => processorSeconds(pid)));
  try {
    const first = await receiver.happened("first");
    const before = await used();
    const { report, at } = await receiver.ended;
    const seconds = (at - first) / 1_000;
    const after = await used();
    const [bridge, upstream] = after.map((each, index) => Math.round(((each - (before[index] ?? 0)) / seconds) * 100));
    setup.say(`${name}: caught up in ${seconds.toFixed(1)} s; bridge ${bridge} %, upstream ${upstream} %`);
    // All came when it ended by itself; until then a message may also come twice.
    return {
      firstMs: first - from,
      perSecond: report.received / seconds,
      lost: report.missing,
      twice: report.duplicates,
    };
  } finally {
    clearTimeout(patience);
  }
}

/** 1000000 as "1M", 250000 as "250k". */
function count(messages: number): string {
  return messages >= 1_000_000 ? `${messages / 1_000_000}M` : `${messages / 1_000}k`;
}
