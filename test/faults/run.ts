import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { type GatewayProcess, openGatewayProcess } from "../support/gateway-process.js";
import { type Link, openLink } from "../support/link.js";
import { type Random, seeded } from "../support/random.js";
import type { Method, ViolationKind } from "../support/strict-upstream/session.js";
import { compare, type Qos, type Tallies } from "./compare.js";
import { mountSmallDisk, type SmallDisk } from "./disk.js";
import { type Fault, type FaultName, nextStep } from "./plan.js";
import { openSender, type Sender } from "./senders.js";
import { mosquittoUpstream, strictUpstream, type Upstream } from "./upstreams.js";

export interface RunOptions {
  readonly seed: number;
  /** How long faults are done for. */
  readonly seconds: number;
  readonly upstream: "strict" | "mosquitto";
  readonly faults: readonly FaultName[];
  /** Left out, the seed chooses. */
  readonly method?: Method | undefined;
  readonly protocol?: 4 | 5 | undefined;
  readonly qos: readonly Qos[];
  /** Messages a second of each sender. */
  readonly rate: number;
  /** How long the rest may take to arrive once the faults have ended, in seconds. */
  readonly patience: number;
  /** The bridge sends batches; left out, it does not. */
  readonly batch?: boolean;
  /** 2: a second one that shares no sessions with the first, to which all faults are done. 1 if left out. */
  readonly servers?: 1 | 2;
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly about: string;
  readonly tallies: Tallies;
  readonly done: ReadonlyMap<string, number>;
  readonly violations: readonly { readonly kind: ViolationKind; readonly text: string }[];
  /** Times that the gateway ended by itself. */
  readonly crashes: number;
  /** All that was to arrive before the patience was over did. */
  readonly drained: boolean;
  /** Logs and the ledger, for whoever calls to remove. */
  readonly folder: string;
}

/** Why a run with these faults cannot be done here; undefined where it can. */
export function missing({ faults }: Pick<RunOptions, "faults">): string | undefined {
  if (!faults.includes("disk")) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "weir-faults-disk-"));
  const disk = mountSmallDisk(folder);
  if (typeof disk !== "string") disk.unmount();
  rmSync(folder, { recursive: true });
  return typeof disk === "string" ? disk : undefined;
}

const SENDERS = 2;

/** One gateway, one upstream, a link between them, and all that chance does to them. */
export async function run(options: RunOptions): Promise<RunResult> {
  const random = seeded(options.seed);
  const folder = mkdtempSync(join(tmpdir(), "weir-faults-"));
  const state = join(folder, "state");
  mkdirSync(state);
  // Drawn in any case, so that a choice does not change the rest of the plan.
  const drawn = { protocol: random.pick([4, 5] as const), method: random.pick(["A", "B"] as const) };
  const { protocol = drawn.protocol, method = drawn.method } = options;
  const delay = random.pick([0, 5, 20]);
  const receiveMaximum = random.pick([undefined, 10, 50]);
  const about =
    options.upstream === "mosquitto"
      ? `mosquitto, protocol ${protocol}`
      : `strict, protocol ${protocol}, method ${method}, acks up to ${delay} ms late, receive maximum ${receiveMaximum ?? "not said"}`;
  options.say(`seed ${options.seed}: ${about}`);

  const undo: (() => void | Promise<void>)[] = [];
  try {
    const disk = options.faults.includes("disk") ? mountSmallDisk(state) : undefined;
    if (typeof disk === "string") throw new Error(`no disk to fill: ${disk}`);
    if (disk !== undefined) undo.push(disk.unmount);
    const upstream =
      options.upstream === "mosquitto"
        ? await mosquittoUpstream(folder)
        : await strictUpstream(folder, { method, delay, receiveMaximum, seed: options.seed }, options.servers ?? 1);
    undo.push(upstream.close);
    const link = await openLink(upstream.port);
    undo.push(link.close);
    // The shortest keep alive: a frozen link is found in seconds.
    const urls = [link.port, ...upstream.others].map((port) => `mqtt://127.0.0.1:${port}`);
    const batch = options.batch ? ", batch: { messages: 20, linger: 50ms }" : "";
    const bridges = `[{ id: up, url: ${JSON.stringify(urls)}, failback: 1s, protocol: ${protocol}, keepAlive: 1s${batch} }]`;
    const gateway = await openGatewayProcess({ folder, state, bridges });
    undo.push(gateway.kill);
    const senders = options.qos.flatMap((qos) =>
      Array.from({ length: SENDERS }, (_, i) =>
        openSender({ port: gateway.port, name: `s${i}q${qos}`, qos, rate: options.rate }),
      ),
    );
    undo.push(() => {
      for (const sender of senders) sender.close();
    });
    const acknowledged = (): number => senders.reduce((sum, { book }) => sum + book.acknowledged.size, 0);
    const site = { gateway, upstream, link, disk, acknowledged };
    const { done, crashes } = await disturb(site, random, options);
    const drained = await drain(site, senders, options.patience * 1000);
    return {
      seed: options.seed,
      about,
      tallies: compare(
        senders.map(({ book }) => book),
        upstream.arrivals(),
      ),
      done,
      violations: [...upstream.violations()],
      crashes,
      drained,
      folder,
    };
  } catch (cause) {
    throw new Error(`the run with seed ${options.seed} could not be done; logs and ledger are in ${folder}`, { cause });
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

interface Site {
  readonly gateway: GatewayProcess;
  readonly upstream: Upstream;
  readonly link: Link;
  readonly disk: SmallDisk | undefined;
  /** How many messages the gateway has acknowledged so far. */
  readonly acknowledged: () => number;
}

async function disturb(
  site: Site,
  random: Random,
  { seconds, faults, say }: RunOptions,
): Promise<{ done: ReadonlyMap<string, number>; crashes: number }> {
  const done = new Map<string, number>();
  let crashes = 0;
  const end = performance.now() + seconds * 1000;
  await carrying(site);
  while (faults.length > 0 && performance.now() < end) {
    const step = nextStep(random, faults);
    await sleep(step.after);
    if (site.gateway.crashed) {
      crashes += 1;
      await site.gateway.start();
    }
    if (step.patient) await carrying(site);
    const name = step.faults
      .map((each) => each.name)
      .sort()
      .join("+");
    say(`  ${name}`);
    await Promise.all(step.faults.map((each) => act(each, site)));
    done.set(name, (done.get(name) ?? 0) + 1);
  }
  if (faults.length === 0) await sleep(seconds * 1000);
  site.link.cutAfter("up", Number.POSITIVE_INFINITY, "close");
  return { done, crashes };
}

/** Until something goes up. Not for ever: the pause before the next attempt to connect grows with the outages. */
async function carrying({ link }: Site): Promise<void> {
  const before = link.passed.up;
  await eventually(() => link.open > 0 && link.passed.up > before + 500, "the bridge carries", 6000).catch(() => {});
}

async function act(fault: Fault, { gateway, upstream, link, disk, acknowledged }: Site): Promise<void> {
  switch (fault.name) {
    case "gateway-kill":
      await gateway.kill();
      await sleep(fault.away);
      return gateway.start();
    case "upstream-kill":
      await upstream.end();
      await sleep(fault.away);
      return upstream.start();
    case "link-close":
      return link.cut("close");
    case "link-reset":
      return link.cut("reset");
    case "link-freeze":
      return link.cut("freeze");
    case "link-hold":
      link.hold(true);
      await sleep(fault.lasts);
      return link.hold(false);
    case "acks-cut":
    case "publishes-cut":
      return link.cutAfter(fault.direction, fault.bytes, fault.how);
    case "disk":
      disk?.fill();
      await eventually(() => stalls(acknowledged), "the full disk is noticed");
      await sleep(fault.lasts);
      disk?.empty();
      return grows(acknowledged);
  }
}

/** Nothing is acknowledged for a while, in which a working gateway acknowledges dozens. */
async function stalls(acknowledged: () => number): Promise<boolean> {
  const before = acknowledged();
  await sleep(200);
  return acknowledged() === before;
}

function grows(acknowledged: () => number): Promise<void> {
  const before = acknowledged();
  return eventually(() => acknowledged() > before, "the gateway acknowledges again");
}

/** Faults have ended: every sender's last message arrives, then the gateway stops in order with nothing left to carry. */
async function drain({ gateway, upstream }: Site, senders: readonly Sender[], patience: number): Promise<boolean> {
  if (gateway.crashed) await gateway.start();
  const end = performance.now() + patience;
  const last = Promise.all(senders.map((sender) => sender.finish()));
  const drained = await Promise.race([last, sleep(patience, undefined, { ref: false })]).then(async (payloads) => {
    if (payloads === undefined) return false;
    const missing = new Set(payloads.filter((payload) => payload !== undefined));
    let seen = 0;
    const arrived = (): boolean => {
      const arrivals = upstream.arrivals();
      for (; seen < arrivals.length; seen++) missing.delete(arrivals[seen]?.payload ?? "");
      return missing.size === 0;
    };
    return eventually(arrived, "the last messages arrive", end - performance.now()).then(
      () => true,
      () => false,
    );
  });
  for (const sender of senders) sender.close();
  await gateway.stop();
  return drained;
}
