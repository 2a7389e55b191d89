/**
 * One queue of commands for each device. What holds:
 *
 * - One command at a time runs on a device, in the order in which they came; devices do not wait for each other.
 * - A command whose deadline passed is refused (COMMAND_EXPIRED) and never run. One that runs past it is answered with
 *   DEVICE_NO_ANSWER, which means: it may have been carried out.
 * - A session that does not come back by the deadline gets a moment more, and then the queue goes on without it.
 * - The same id runs once for a device, as far back as the memory reaches; asked again, the same result comes again. What
 *   never reached a session (offline, expired, queue full) is not remembered: sent again, it is tried again.
 * - `submit` never rejects, and everything here has a bound.
 */
import { createHash } from "node:crypto";
import type { Session } from "../core/adapter.js";
import type { Command, CommandResult } from "../core/command.js";
import { type ErrorCode, messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import { realTimer, type SetTimer } from "./timer.js";

export interface DispatcherOptions {
  /** The open session of the device's link; undefined while it is down. */
  readonly sessionOf: (device: string) => Session | undefined;
  /** ms since the Unix epoch, as deadlines are. */
  readonly now: () => number;
  readonly journal: Journal;
  readonly setTimer?: SetTimer;
  /** Commands that may wait for one device; 32 if left out. */
  readonly limit?: number;
  /** Ids and results that are remembered for one device; 32 if left out. */
  readonly remember?: number;
}

export interface Dispatcher {
  /** Resolves with what became of the command, by its deadline at the latest. Never rejects. */
  submit(command: Command): Promise<CommandResult>;
  /** Refuses what waits, and every command from now on, with CLOSED. What runs is answered with CLOSED too. */
  close(): void;
}

/** How long past its deadline a session is waited for before the next command goes to it, in ms. */
const GRACE = 1000;

interface Job {
  readonly command: Command;
  /** A digest of what is asked: the same id must not stand for two things. */
  readonly content: string;
  readonly result: Promise<CommandResult>;
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
  const { sessionOf, now, journal } = options;
  const setTimer = options.setTimer ?? realTimer;
  const limit = options.limit ?? 32;
  const remember = options.remember ?? 32;
  const lanes = new Map<string, Lane>();
  let closed = false;

  async function submit(command: Command): Promise<CommandResult> {
    if (closed) return refusal("CLOSED", "the gateway is stopping");
    const lane = lanes.get(command.device) ?? { waiting: [], running: undefined, known: new Map<string, Job>() };
    const content = digest(command);
    const same = lane.known.get(command.id);
    if (same !== undefined) return again(same, content);
    if (command.deadline <= now()) return expired(command);
    if (lane.waiting.length >= limit) {
      return refusal("COMMAND_QUEUE_FULL", `${limit} commands already wait for device ${command.device}`);
    }
    lanes.set(command.device, lane);
    const job = enqueue(lane, command, content);
    pump(lane);
    return job.result;
  }

  function again(job: Job, content: string): CommandResult | Promise<CommandResult> {
    const { id, device } = job.command;
    if (job.content !== content) {
      return refusal("COMMAND_INVALID", `id ${JSON.stringify(id)} was used for another command to device ${device}`);
    }
    // Each one who waits costs memory until the result is there.
    if (job.state !== "done" && ++job.asked > limit) {
      return refusal("COMMAND_QUEUE_FULL", `id ${JSON.stringify(id)} was asked for more than ${limit} times`);
    }
    return job.result;
  }

  function enqueue(lane: Lane, command: Command, content: string): Job {
    let resolve: (result: CommandResult) => void = () => {};
    const result = new Promise<CommandResult>((settle) => {
      resolve = settle;
    });
    const stopTimer = setTimer(() => overdue(lane, job), command.deadline - now());
    const finish = (outcome: CommandResult): void => {
      stopTimer();
      if (job.state === "waiting") drop(lane, job);
      job.state = "done";
      resolve(outcome);
    };
    const job: Job = { command, content, result, asked: 1, state: "waiting", finish };
    lane.known.set(command.id, job);
    lane.waiting.push(job);
    return job;
  }

  /** The deadline has come: by this timer, whatever a clock that was set meanwhile says. */
  function overdue(lane: Lane, job: Job): void {
    if (job.state === "waiting") {
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

  /** Starts the next command, unless one is running. */
  function pump(lane: Lane): void {
    while (lane.running === undefined) {
      const job = lane.waiting[0];
      if (job === undefined) return;
      const { device } = job.command;
      const session = job.command.deadline > now() ? find(device) : undefined;
      if (session !== undefined) {
        lane.waiting.shift();
        lane.running = job;
        job.state = "running";
        void run(lane, job, session);
      } else if (job.command.deadline > now()) {
        job.finish(refusal("DEVICE_OFFLINE", `the link of device ${device} is down`));
      } else {
        job.finish(expired(job.command));
      }
      tidy(lane, device);
    }
  }

  function find(device: string): Session | undefined {
    try {
      return sessionOf(device);
    } catch (error) {
      journal({ level: "error", event: "session_lookup_failed", at: device, message: messageOf(error) });
      return undefined;
    }
  }

  /** Never rejects: nobody waits for it. */
  async function run(lane: Lane, job: Job, session: Session): Promise<void> {
    let outcome: CommandResult;
    try {
      const value = await session.execute(job.command);
      outcome = value === undefined ? { ok: true } : { ok: true, value };
    } catch (error) {
      const code = error instanceof WeirError ? error.code : "COMMAND_FAILED";
      outcome = refusal(code, messageOf(error));
    }
    // After its deadline nobody waits for the outcome any more: the answer was given.
    if (job.state === "running") job.finish(outcome);
    release(lane, job);
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
      if (lane.running?.state === "running")
        lane.running.finish(refusal("CLOSED", "the gateway is stopping: it may still act"));
    }
  }

  return { submit, close };
}

function refusal(code: ErrorCode, message: string): CommandResult {
  return { ok: false, code, message };
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
