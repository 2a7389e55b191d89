/**
 * One queue of commands for each device. What holds:
 *
 * - One command at a time runs on a device, in the order in which they came; devices do not wait for each other.
 * - A command whose deadline passed is refused (COMMAND_EXPIRED) and never run. One that runs past it is answered with
 *   DEVICE_NO_ANSWER, which means: it may have been carried out. Deadlines are looked at by the wall once, on arrival: what
 *   is left of the time is then measured by a clock that does not jump.
 * - A command for a link that is being opened for the first time waits for it: what a broker kept for the gateway comes
 *   before the links are open.
 * - A session that does not come back by the deadline gets a moment more, and then the queue goes on without it.
 * - The same id runs once for a device, as far back as the memory reaches; asked again, the same result comes again. What
 *   is `lasting` is in the command log, and known after a restart too. What never reached a session (offline, expired, queue
 *   full) is not remembered: sent again, it is tried again.
 * - `submit` never rejects, and everything here has a bound.
 */
import { createHash } from "node:crypto";
import type { Session } from "../core/adapter.js";
import type { Command, CommandResult } from "../core/command.js";
import { type ErrorCode, messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { CommandLog, Ended } from "./command-log/command-log.js";
import { realTimer, type SetTimer } from "./timer.js";

export interface DispatcherOptions {
  /** The open session of the device's link; undefined while it is down, `opening` before it has once been up or down. */
  readonly sessionOf: (device: string) => Session | "opening" | undefined;
  /** ms since the Unix epoch, as deadlines are. */
  readonly now: () => number;
  /** ms of a clock that does not jump. */
  readonly ticks: () => number;
  readonly journal: Journal;
  /** Where lasting commands are noted; nowhere if left out. */
  readonly log?: CommandLog;
  readonly setTimer?: SetTimer;
  /** Commands that may wait for one device; 32 if left out. */
  readonly limit?: number;
  /** Ids and results that are remembered for one device; 32 if left out. */
  readonly remember?: number;
}

export interface Dispatcher {
  /** `lasting`: it has an id under which it must not run twice, restarts included. */
  submit(command: Command, lasting?: boolean): Submitted;
  /** The links of these devices have changed: what waited for them may run. */
  wake(devices: readonly string[]): void;
  /** Refuses what waits, and every command from now on, with CLOSED. What runs is answered with CLOSED too. */
  close(): void;
}

/** None of the promises rejects. */
export interface Submitted {
  /** Resolves once whoever sent it may forget it: it is noted, refused, or not lasting. */
  readonly taken: Promise<void>;
  /** What became of it; by its deadline at the latest, save that the disk takes its time. */
  readonly result: Promise<CommandResult>;
  /** To be called once the result is safe on its way. */
  told(): void;
}

const NOW = Promise.resolve();

/** How long past its deadline a session is waited for before the next command goes to it, in ms. */
const GRACE = 1000;

interface Job {
  readonly command: Command;
  /** A digest of what is asked: the same id must not stand for two things. */
  readonly content: string;
  readonly lasting: boolean;
  /** When its deadline is, in ticks. */
  readonly due: number;
  readonly result: Promise<CommandResult>;
  taken: Promise<void>;
  /** Whether a session has it, or had it. */
  handedOver: boolean;
  /** How often it was asked for. */
  asked: number;
  state: "waiting" | "running" | "done";
  finish: (result: CommandResult) => void;
}

/** What one device has to do, and has done: `known` holds the waiting, the running and the remembered by id. */
interface Lane {
  readonly waiting: Job[];
  running: Job | undefined;
  readonly known: Map<string, Job>;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { sessionOf, now, ticks, journal, log } = options;
  const setTimer = options.setTimer ?? realTimer;
  const limit = options.limit ?? 32;
  const remember = options.remember ?? 32;
  const lanes = new Map<string, Lane>();
  let closed = false;

  function submit(command: Command, lasting = false): Submitted {
    const { device, id } = command;
    const content = digest(command);
    const lane = lanes.get(device) ?? { waiting: [], running: undefined, known: new Map<string, Job>() };
    const same = closed ? undefined : lane.known.get(id);
    if (same !== undefined) return { taken: same.taken, result: again(same, content), told: () => told(same) };
    const known = closed || !lasting ? undefined : log?.find(device, id);
    const refused =
      known === undefined ? refusalOf(lane, command, content, lasting) : repeated(known, command, content);
    if (refused !== undefined) {
      return {
        taken: NOW,
        result: Promise.resolve(refused),
        told: () => (known === undefined ? forget(command) : log?.told(device, id)),
      };
    }
    lanes.set(device, lane);
    const job = enqueue(lane, command, content, lasting);
    pump(lane);
    if (job.state === "waiting" && lasting && log !== undefined) job.taken = log.taken(command, content);
    return { taken: job.taken, result: job.result, told: () => told(job) };
  }

  function refusalOf(lane: Lane, command: Command, content: string, lasting: boolean): CommandResult | undefined {
    if (closed) return refusal("CLOSED", "the gateway is stopping");
    if (command.deadline <= now()) return expired(command);
    if (lane.waiting.length >= limit) {
      return refusal("COMMAND_QUEUE_FULL", `${limit} commands already wait for device ${command.device}`);
    }
    if (lasting && log?.fits(command, content) === false) {
      return refusal("COMMAND_QUEUE_FULL", "as many commands wait as the command log has room for");
    }
    return undefined;
  }

  async function again(job: Job, content: string): Promise<CommandResult> {
    const { id } = job.command;
    if (job.content !== content) return otherContent(job.command);
    // Each one who waits costs memory until the result is there.
    if (job.state !== "done" && ++job.asked > limit) {
      return refusal("COMMAND_QUEUE_FULL", `id ${JSON.stringify(id)} was asked for more than ${limit} times`);
    }
    return job.result;
  }

  function told({ command, lasting, handedOver }: Job): void {
    if (!handedOver) forget(command);
    else if (lasting) log?.told(command.device, command.id);
  }

  /** It never ran: it may be tried again, unless it is already. */
  function forget({ device, id }: Command): void {
    if (!lanes.get(device)?.known.has(id)) log?.forget(device, id);
  }

  function enqueue(lane: Lane, command: Command, content: string, lasting: boolean): Job {
    let resolve: (result: CommandResult) => void = () => {};
    const result = new Promise<CommandResult>((settle) => {
      resolve = settle;
    });
    const left = command.deadline - now();
    const stopTimer = setTimer(() => overdue(lane, job), left);
    const finish = (outcome: CommandResult): void => {
      stopTimer();
      if (!job.handedOver) drop(lane, job);
      job.state = "done";
      if (!lasting || !job.handedOver || log === undefined) resolve(outcome);
      // Published before it is noted, it could be followed by another one after a crash.
      else void log.ended(command, content, outcome).then(() => resolve(outcome));
    };
    const due = ticks() + left;
    const base = { command, content, lasting, due, result, taken: NOW, asked: 1, handedOver: false, finish };
    const job: Job = { ...base, state: "waiting" };
    lane.known.set(command.id, job);
    lane.waiting.push(job);
    return job;
  }

  /** The deadline has come: by this timer, whatever a clock that was set meanwhile says. */
  function overdue(lane: Lane, job: Job): void {
    if (!job.handedOver) {
      job.finish(expired(job.command));
      tidy(lane, job.command.device);
    } else {
      job.finish(
        refusal("DEVICE_NO_ANSWER", `device ${job.command.device} did not answer by the deadline; it may still act`),
      );
      setTimer(() => abandon(lane, job), GRACE);
    }
  }

  /** It never ran: nothing of it is kept. */
  function drop(lane: Lane, job: Job): void {
    const place = lane.waiting.indexOf(job);
    if (place >= 0) lane.waiting.splice(place, 1);
    lane.known.delete(job.command.id);
  }

  /** Starts the next command, unless one is running or the link is being opened. */
  function pump(lane: Lane): void {
    while (lane.running === undefined) {
      const job = lane.waiting[0];
      if (job === undefined) return;
      const session = find(job);
      if (session === "opening") return;
      if (session === undefined) {
        tidy(lane, job.command.device);
        continue;
      }
      lane.waiting.shift();
      lane.running = job;
      job.state = "running";
      void run(lane, job, session);
    }
  }

  function wake(devices: readonly string[]): void {
    for (const device of devices) {
      const lane = lanes.get(device);
      if (lane !== undefined) pump(lane);
    }
  }

  /** Where the command can go now. Undefined: nowhere, and it was refused. */
  function find(job: Job): Session | "opening" | undefined {
    const { device } = job.command;
    const session = job.due > ticks() ? look(device) : "late";
    if (session === "late") job.finish(expired(job.command));
    else if (session === undefined) job.finish(refusal("DEVICE_OFFLINE", `the link of device ${device} is down`));
    else return session;
    return undefined;
  }

  function look(device: string): Session | "opening" | undefined {
    try {
      return sessionOf(device);
    } catch (error) {
      journal({ level: "error", event: "session_lookup_failed", at: device, message: messageOf(error) });
      return undefined;
    }
  }

  /** Never rejects: nobody waits for it. */
  async function run(lane: Lane, job: Job, found: Session): Promise<void> {
    let session: Session | "opening" | undefined = found;
    if (job.lasting && log !== undefined) {
      job.taken = log.begun(job.command, job.content);
      await job.taken;
      // The disk took its time.
      session = job.state === "running" ? find(job) : undefined;
    }
    if (session === "opening")
      job.finish(refusal("DEVICE_OFFLINE", `the link of device ${job.command.device} is down`));
    else if (session !== undefined) await execute(job, session);
    release(lane, job);
  }

  async function execute(job: Job, session: Session): Promise<void> {
    job.handedOver = true;
    let outcome: CommandResult;
    try {
      // By the wall as it is now, for it may have been set since the command came.
      const value = await session.execute({ ...job.command, deadline: now() + (job.due - ticks()) });
      outcome = value === undefined ? { ok: true } : { ok: true, value };
    } catch (error) {
      const code = error instanceof WeirError ? error.code : "COMMAND_FAILED";
      outcome = refusal(code, messageOf(error));
    }
    // After its deadline nobody waits for the outcome any more: the answer was given.
    if (job.state === "running") job.finish(outcome);
  }

  function abandon(lane: Lane, job: Job): void {
    if (lane.running !== job) return;
    const { device, resource } = job.command;
    const message = `the command to ${resource} did not end by its deadline: the next one goes without waiting for it`;
    journal({ level: "warn", event: "command_abandoned", at: device, message });
    release(lane, job);
  }

  function release(lane: Lane, job: Job): void {
    if (lane.running !== job) return;
    lane.running = undefined;
    pump(lane);
    tidy(lane, job.command.device);
  }

  /** Forgets the oldest results, and a lane with nothing in it: a device's name may come from a wire. */
  function tidy(lane: Lane, device: string): void {
    let surplus = lane.known.size - lane.waiting.length - remember;
    for (const [id, job] of lane.known) {
      if (surplus <= 0) break;
      if (job.state !== "done" || lane.running === job) continue;
      lane.known.delete(id);
      surplus--;
    }
    if (lane.known.size === 0 && lane.running === undefined && lanes.get(device) === lane) lanes.delete(device);
  }

  function close(): void {
    closed = true;
    for (const lane of lanes.values()) {
      for (const job of [...lane.waiting]) job.finish(refusal("CLOSED", "the gateway is stopping"));
      if (lane.running?.state !== "running") continue;
      const detail = lane.running.handedOver ? ": it may still act" : "";
      lane.running.finish(refusal("CLOSED", `the gateway is stopping${detail}`));
    }
  }

  return { submit, wake, close };
}

function refusal(code: ErrorCode, message: string): CommandResult {
  return { ok: false, code, message };
}

function otherContent({ id, device }: Command): CommandResult {
  return refusal("COMMAND_INVALID", `id ${JSON.stringify(id)} was used for another command to device ${device}`);
}

/** What an id of the log is answered with. */
function repeated(known: Ended, command: Command, content: string): CommandResult {
  return known.content === content ? known.result : otherContent(command);
}

function expired({ device, resource }: Command): CommandResult {
  return refusal(
    "COMMAND_EXPIRED",
    `the deadline passed before the command to ${resource} of device ${device} could run`,
  );
}

function digest({ resource, action, value }: Command): string {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
  const kind = value instanceof Uint8Array ? "bytes" : typeof value;
  return createHash("sha256")
    .update(JSON.stringify([resource, action, kind, text]))
    .digest("base64");
}
