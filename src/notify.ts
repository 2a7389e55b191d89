import { execFile } from "node:child_process";
import type { Journal } from "./core/journal.js";

/**
 * Tells the service manager how the gateway is doing (sd_notify(3)). None of these ever rejects: a service manager that
 * does not hear is told to the journal, and is no reason to stop carrying messages.
 */
export interface Notifier {
  /** How often to call `alive`, in ms; undefined where nobody waits for signs of life. */
  readonly watchdogMs: number | undefined;
  /** All is open and working: systemd starts what comes after. */
  ready(): Promise<void>;
  /** A sign of life. */
  alive(): Promise<void>;
  /** Stopping on purpose. */
  stopping(): Promise<void>;
}

/** What the notifier needs of its surroundings. */
export interface NotifierOptions {
  readonly journal: Journal;
  /** This process, as the service manager counts it. */
  readonly pid?: number;
  /** The program that talks to the service manager, for tests. */
  readonly program?: string;
}

/** ms after which systemd-notify is ended: it waits until systemd has taken the message, and systemd may be busy. */
const PATIENCE_MS = 5_000;

/**
 * Speaks to the service manager named by NOTIFY_SOCKET; does nothing where there is none.
 *
 * The protocol is one datagram to an AF_UNIX socket, and Node has no AF_UNIX datagrams (node:dgram is UDP only, node:net
 * is streams only). So each message is one run of systemd-notify, which is part of systemd itself. It is a child process,
 * hence `NotifyAccess=all` in the unit: with `main` systemd would drop what it says.
 */
export function notifier(env: NodeJS.ProcessEnv, options: NotifierOptions): Notifier {
  const { journal, pid = process.pid, program = "systemd-notify" } = options;
  const socket = env["NOTIFY_SOCKET"];
  if (socket === undefined || socket === "") {
    const nothing = async (): Promise<void> => {};
    return { watchdogMs: undefined, ready: nothing, alive: nothing, stopping: nothing };
  }

  const tell = (...assignments: string[]): Promise<void> =>
    new Promise((resolve) => {
      // The gateway's own environment may hold secrets: the child gets what it needs and no more.
      const childEnv = { NOTIFY_SOCKET: socket, PATH: env["PATH"] ?? "/usr/bin:/bin" };
      execFile(program, assignments, { env: childEnv, timeout: PATIENCE_MS }, (error) => {
        if (error !== null) {
          const message = `systemd was not told ${assignments[0] ?? ""}: ${program} failed (${reasonOf(error)}). Is it installed?`;
          journal({ level: "warn", event: "service_notify_failed", at: "service", message });
        }
        resolve();
      });
    });

  return {
    watchdogMs: watchdogMs(env, pid),
    ready: () => tell("READY=1", `MAINPID=${pid}`, "STATUS=carrying messages"),
    alive: () => tell("WATCHDOG=1"),
    stopping: () => tell("STOPPING=1", "STATUS=stopping"),
  };
}

/**
 * Gives signs of life until stopped. An event loop that hangs gives none, and systemd starts the gateway anew.
 *
 * @returns a function that ends it
 */
export function keepAlive(notifier: Notifier): () => void {
  if (notifier.watchdogMs === undefined) return () => {};
  const timer = setInterval(() => void notifier.alive(), notifier.watchdogMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Half of the time that systemd waits, as sd_watchdog_enabled(3) advises. */
function watchdogMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const us = Number(env["WATCHDOG_USEC"]);
  if (!Number.isSafeInteger(us) || us <= 0) return undefined;
  const owner = env["WATCHDOG_PID"];
  if (owner !== undefined && owner !== "" && owner !== String(pid)) return undefined;
  // Timers take no more than 2^31 - 1 ms.
  return Math.min(Math.max(1, Math.floor(us / 2_000)), 2 ** 31 - 1);
}

function reasonOf(error: Error & { readonly code?: unknown; readonly killed?: boolean }): string {
  if (error.killed === true) return `no answer within ${PATIENCE_MS} ms`;
  return error.code === undefined || error.code === null ? error.message : String(error.code);
}
