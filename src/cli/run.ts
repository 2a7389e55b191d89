import { formatProblem } from "../config/index.js";
import { type Gateway, startGateway } from "../gateway.js";
import { createRecorder } from "../journal.js";
import { keepAlive, notifier } from "../notify.js";
import { makePlan, type Plan } from "../plan.js";
import type { ConfigArgument } from "./check.js";
import { untilSignal } from "./signals.js";
import { version } from "./version.js";

/** How long an orderly stop may take, in ms, before the process ends without it. Shorter than systemd's patience. */
const STOP_LIMIT = 15_000;

/** `weir run`: the gateway, until a signal. */
export async function run({ file, set }: ConfigArgument): Promise<number> {
  const plan = makePlan({ file, set, env: process.env });
  const { log, gateway: names, devices, simulator } = plan.config;
  const recorder = createRecorder({ ...log, write: (line) => void process.stderr.write(`${line}\n`), now: Date.now });
  const say = (event: string, message: string): void =>
    recorder.journal({ level: "info", event, at: names.id, message });
  for (const warning of plan.warnings) process.stderr.write(`${formatProblem(warning)}\n`);
  const stopped = untilSignal();
  const service = notifier(process.env, { journal: recorder.journal });
  const gateway = await startGateway({ plan, recorder });
  // performance.now() counts from the start of the process: loading the modules is most of it.
  const took = Math.round(performance.now());
  say("ready", `weir ${version()} is ready in ${took} ms: ${devices.length} devices, ${gateway.listeners.join(", ")}`);
  const endAlive = keepAlive(service);
  await service.ready();
  const endTable = simulator?.table ? await showTable(gateway, plan) : (): void => {};
  const signal = await stopped;
  endTable();
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

async function showTable(gateway: Gateway, { config }: Plan): Promise<() => void> {
  const { liveTable } = await import("../simulator/index.js");
  const { prefix } = config.gateway;
  const { host, port } = config.simulator?.upstream ?? { host: "127.0.0.1", port: 1883 };
  process.stdout.write(`Watch it yourself: mosquitto_sub -h ${host} -p ${port} -t '#' -v   (Ctrl-C ends)\n\n`);
  const remote = config.bridges[0]?.rules.find((rule) => rule.direction === "out")?.remotePrefix ?? `${prefix}/`;
  const isTTY = process.stdout.isTTY === true;
  const table = liveTable(process.stdout, { isTTY, now: Date.now, prefix: remote });
  gateway.onUpstream((message) => table.hear(message));
  return () => table.close();
}
