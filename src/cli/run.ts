import { formatProblem } from "../config/index.js";
import { startGateway } from "../gateway.js";
import { createRecorder } from "../journal.js";
import { keepAlive, notifier } from "../notify.js";
import { makePlan, type Plan } from "../plan.js";
import type { LiveTable } from "../simulator/index.js";
import { version } from "../version.js";
import { type ConfigArgument, count } from "./check.js";
import { untilSignal } from "./signals.js";

/** How long an orderly stop may take, in ms, before the process ends without it. Shorter than systemd's patience. */
const STOP_LIMIT = 15_000;

/** `weir run`: the gateway, until a signal. `started` is called once it is ready. */
export async function run({ file, set }: ConfigArgument, started: () => void): Promise<number> {
  const plan = makePlan({ file, set, env: process.env });
  const { log, gateway: names, devices, simulator } = plan.config;
  const table = simulator?.table ? await openTable(plan) : undefined;
  const shared = process.stdout.isTTY === true && process.stderr.isTTY === true;
  const write = (line: string): void => {
    if (shared && table !== undefined) table.above(line);
    else process.stderr.write(`${line}\n`);
  };
  const recorder = createRecorder({ ...log, write, now: Date.now });
  const say = (event: string, message: string): void =>
    recorder.journal({ level: "info", event, at: names.id, message });
  for (const warning of plan.warnings) process.stderr.write(`${formatProblem(warning)}\n`);
  const stopped = untilSignal();
  const service = notifier(process.env, { journal: recorder.journal });
  const gateway = await startGateway({ plan, recorder });
  // performance.now() counts from the start of the process: loading the modules is most of it.
  const took = Math.round(performance.now());
  say(
    "ready",
    `weir ${version()} is ready in ${took} ms: ${[count(devices.length, "device"), ...gateway.listeners].join(", ")}`,
  );
  started();
  const endAlive = keepAlive(service);
  await service.ready();
  if (table !== undefined) {
    const { host, port } = simulator?.upstream ?? { host: "127.0.0.1", port: 1883 };
    table.above(`Watch it yourself: mosquitto_sub -h ${host} -p ${port} -t '#' -v   (Ctrl-C ends)\n`);
    gateway.onUpstream(table.hear);
  }
  const signal = await stopped;
  table?.close();
  say("stopping", `stopping on ${signal}`);
  setTimeout(() => {
    say("stop_late", `did not stop within ${STOP_LIMIT} ms: ending now`);
    process.exit(1);
  }, STOP_LIMIT).unref();
  await service.stopping();
  await gateway.close();
  endAlive();
  say("stopped", "stopped");
  return 0;
}

async function openTable({ config }: Plan): Promise<LiveTable> {
  const { liveTable } = await import("../simulator/index.js");
  const out = config.bridges[0]?.rules.find((rule) => rule.direction === "out");
  return liveTable(process.stdout, { prefix: out?.remotePrefix ?? `${config.gateway.prefix}/` });
}
