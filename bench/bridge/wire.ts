import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { eventually } from "../../test/support/eventually.js";
import { runLoad } from "../load.js";
import { type Row, row } from "../report.js";
import { freePort } from "../subject.js";
import { type CountingProxy, countingProxy } from "./counting-proxy.js";
import { readings } from "./readings.js";
import { accepts, type Contestant, mosquittoBridge, type Setup, settings, startMosquitto, weir } from "./subjects.js";

export interface WireSizes {
  readonly readings: number;
}

/** The readings, and nothing that a gateway says of itself. */
const FILTER = "weir/+/+";
const PUBLISH = 3;
const PUBACK = 4;
/** Readings a second: enough that a batch is full before it has lingered. */
const PACE = 5_000;
const LINGER_MS = 2_000;
/** ms without a byte after which nothing more comes; a batch may linger before. */
const QUIET_MS = 1_000;
/** ms after which it must have become quiet. */
const PATIENCE_MS = 60_000;

/** Keys of a bridge that sends batches of 100. */
const batch = (format: string, compression: string): Readonly<Record<string, unknown>> => ({
  batch: { format, compression, messages: 100, linger: `${LINGER_MS}ms` },
});

/** What Weir's bridge can be told to save bytes. A build that does not know one of them leaves it out. */
const WAYS: readonly { readonly what: string; readonly bridge: Readonly<Record<string, unknown>> }[] = [
  { what: "MQTT 3.1.1", bridge: {} },
  { what: "MQTT 5 with topic aliases", bridge: { protocol: 5, topicAliases: 16 } },
  ...["senml-cbor", "json"].flatMap((format) =>
    ["none", "zlib", "zstd"].map((compression) => ({
      what: `batches of 100, ${format}, ${compression}`,
      bridge: batch(format, compression),
    })),
  ),
];

/** MQTT bytes that the bridge sends for one reading; the peer has one way, MQTT 3.1.1. */
export async function wire(setup: Setup, sizes: WireSizes): Promise<Row[]> {
  const file = join(setup.folder, "readings");
  await writeFile(file, `${readings(sizes.readings).join("\n")}\n`);
  const peer = mosquittoBridge(setup, { persistence: false, inflight: 0, filter: FILTER });
  const theirs = await bytesPerReading(setup, peer, file, sizes.readings, 1);
  const rows: Row[] = [];
  for (const { what, bridge } of WAYS) {
    const keys = { rules: [{ filter: FILTER, direction: "out" }], ...bridge };
    if (!(await accepts(setup, keys))) {
      setup.say(`no row for ${what}: weir check does not accept ${JSON.stringify(bridge)} here`);
      continue;
    }
    const together = "batch" in bridge ? 100 : 1;
    const ours = await bytesPerReading(setup, weir(setup, "commit", keys), file, sizes.readings, together);
    setup.say(`${what}: ${ours} bytes a reading`);
    rows.push(row(`${what}; peer MQTT 3.1.1, bytes a reading`, [ours], [theirs]));
  }
  return rows;
}

/** `together`: how many readings a PUBLISH may hold. */
async function bytesPerReading(
  setup: Setup,
  contestant: Contestant,
  file: string,
  count: number,
  together: number,
): Promise<number> {
  const port = await freePort();
  // Debian's default of 10 aliases is less than the 16 topics here.
  const upstream = await startMosquitto(setup, port, `${settings(port, 0)}max_topic_alias 100\n`);
  const proxy = await countingProxy(port);
  try {
    const subject = await contestant.start(proxy.port);
    try {
      await eventually(() => (proxy.down?.bytes ?? 0) > 0, `${contestant.name} connects`);
      const before = proxy.up?.bytes ?? 0;
      const args = ["-P", 1, "-q", 1, "-r", PACE, "-n", count, "-f", file, "-d", 10];
      const { acknowledged } = await runLoad(setup.mqttload, ["pub", "-p", subject.port, ...args]);
      await quiet(proxy, together > 1 ? LINGER_MS + QUIET_MS : QUIET_MS);
      const bytes = (proxy.up?.bytes ?? 0) - before;
      const publishes = proxy.up?.count(PUBLISH) ?? 0;
      setup.say(`${contestant.name}: ${bytes} bytes in ${publishes} PUBLISH for ${acknowledged} readings`);
      // Bytes that are missing must not look like bytes that were saved.
      if (acknowledged !== count || publishes * together < count || publishes > count)
        throw new Error(`${contestant.name}: ${publishes} PUBLISH do not carry ${count} readings\n${subject.said()}`);
      return bytes / count;
    } finally {
      await subject.stop();
    }
  } finally {
    await proxy.close();
    await upstream.stop();
  }
}

/** Until everything is acknowledged and no byte has gone up for so long. */
async function quiet(proxy: CountingProxy, ms: number): Promise<void> {
  let bytes = -1;
  let since = performance.now();
  await eventually(
    () => {
      const now = proxy.up?.bytes ?? 0;
      if (now !== bytes) since = performance.now();
      bytes = now;
      const open = (proxy.up?.count(PUBLISH) ?? 0) - (proxy.down?.count(PUBACK) ?? 0);
      return open === 0 && performance.now() - since >= ms;
    },
    "everything is acknowledged",
    PATIENCE_MS,
  );
}
