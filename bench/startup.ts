import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { locate } from "../test/support/peers.js";
import { type Bench, type Row, row } from "./report.js";
import { freePort, MAIN, residentMb, type Subject, start } from "./subject.js";

const RUNS = 5;
/** ms from the first answer to reading the memory: start-up garbage is collected, idle work has begun. */
const SETTLE_MS = 3_000;

interface Sample {
  readonly answeredMs: number;
  readonly saidMs: number;
  readonly rssMb: number;
}

/** Time until a gateway without devices serves, and what it then costs; beside mosquitto, which is a broker alone. */
export const startup: Bench = {
  about: "time to ready and idle memory of a gateway without devices; peer: mosquitto",
  async run(say) {
    const mosquitto = locate("mosquitto");
    if (mosquitto === undefined) say("no peer: mosquitto is not installed (npm run setup:peers)");
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
    const weir: Sample[] = [];
    const peer: Sample[] = [];
    try {
      // In turns, so that whatever else the machine does meanwhile falls on both.
      for (let index = 1; index <= RUNS; index += 1) {
        const ours = await sample(() => startWeir(folder));
        if (Number.isNaN(ours.saidMs)) throw new Error("weir serves but never logged that it is ready");
        weir.push(ours);
        if (mosquitto !== undefined) peer.push(await sample(() => startMosquitto(mosquitto, folder)));
        say(`run ${index} of ${RUNS}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return rows(weir, peer);
  },
};

/** The medians. Less is better in all of them. */
export function rows(weir: readonly Sample[], peer: readonly Sample[]): Row[] {
  const pick = (samples: readonly Sample[], key: keyof Sample): number[] => samples.map((each) => each[key]);
  return [
    row("spawn to first CONNACK, ms", pick(weir, "answeredMs"), pick(peer, "answeredMs")),
    row("spawn to ready in the log, ms", pick(weir, "saidMs")),
    row("idle RSS, MB", pick(weir, "rssMb"), pick(peer, "rssMb")),
  ];
}

async function sample(begin: () => Promise<Subject>): Promise<Sample> {
  const subject = await begin();
  try {
    await delay(SETTLE_MS);
    const rssMb = await residentMb(subject.process.pid ?? 0);
    return { answeredMs: subject.answeredMs, saidMs: subject.saidMs(), rssMb };
  } finally {
    await subject.stop();
  }
}

async function startWeir(folder: string): Promise<Subject> {
  const port = await freePort();
  const config = join(folder, "weir.yaml");
  await writeFile(config, `broker:\n  listeners: ["tcp://127.0.0.1:${port}"]\ndevices: []\n`);
  return start(execPath, [MAIN, "run", config], port, "ready");
}

async function startMosquitto(program: string, folder: string): Promise<Subject> {
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  return start(program, ["-c", config], port);
}
