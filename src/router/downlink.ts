import { randomUUID } from "node:crypto";
import type { CommandResult } from "../core/command.js";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Accept, Message, Origin } from "../core/message.js";
import type { CommandAccess } from "./access.js";
import type { CommandLog } from "./command-log/command-log.js";
import { type CommandAddress, type ParsedCommand, parseCommand, resultMessage } from "./commands.js";
import type { Dispatcher, Submitted } from "./dispatcher.js";
import type { ResourceType } from "./value.js";

export interface DownlinkOptions {
  readonly prefix: string;
  readonly dispatcher: Dispatcher;
  readonly hasDevice: (device: string) => boolean;
  /** The type that the device's profile gives the resource; undefined where that is not known. */
  readonly resourceType: (device: string, resource: string) => ResourceType | undefined;
  readonly accept: Accept;
  /** Who may command what; everyone everything if left out. */
  readonly allowed?: CommandAccess;
  /** Where lasting commands are noted; nowhere if left out. */
  readonly log?: CommandLog;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Whether `now` can be believed; always if left out. */
  readonly clockSet?: () => boolean;
  readonly journal: Journal;
  /** ms that a command has if it does not say; 10 s if left out. */
  readonly timeout?: number;
  /** For a command that brings no id. */
  readonly newId?: () => string;
}

/** The way down: a command message in, its result message out. */
export interface Downlink {
  /**
   * False where the message is no command. Otherwise true once whoever sent it may forget it: it was refused, or it is noted
   * as far as it lasts. Its result comes later. Never rejects.
   */
  handle(message: Message, origin: Origin): Promise<boolean>;
  /** At the start, once the links are there: answers what the last end left unanswered, and runs what still waits. */
  resume(): void;
  /** Refuses all commands from now on. Resolves once every result is out, which is soon. Never rejects. */
  close(): Promise<void>;
}

export function createDownlink(options: DownlinkOptions): Downlink {
  const { prefix, dispatcher, hasDevice, resourceType, accept, log, now, journal } = options;
  const allowed = options.allowed ?? (() => true);
  const clockSet = options.clockSet ?? (() => true);
  const timeout = options.timeout ?? 10_000;
  const newId = options.newId ?? randomUUID;
  const answers = new Set<Promise<void>>();

  function answer(address: CommandAddress, { result, told }: Omit<Submitted, "taken">): void {
    const answered = publish(address, result, told).finally(() => answers.delete(answered));
    answers.add(answered);
  }

  async function publish(address: CommandAddress, coming: Promise<CommandResult>, told: () => void): Promise<void> {
    const { device, resource, id } = address;
    const result = await coming;
    // What comes from a wire names the device: an unknown one must not become the name of a counter.
    const at = hasDevice(device) ? device : "unknown device";
    if (!result.ok) {
      const message = `command ${JSON.stringify(id)} to ${resource}: ${result.message}`;
      journal({ level: "warn", event: "command_refused", at, message, reason: result.code.toLowerCase() });
    }
    try {
      await accept(resultMessage(prefix, address, result), { from: "device", device });
      told();
    } catch (error) {
      const message = `the result of command ${JSON.stringify(id)} was refused: ${messageOf(error)}`;
      journal({ level: "warn", event: "result_refused", at, message });
    }
  }

  function submit(parsed: ParsedCommand, origin: Origin): Submitted {
    if (!parsed.ok) return refused(parsed.error.code, parsed.error.message);
    const { device, action } = parsed.command;
    if (!hasDevice(device)) return refused("DEVICE_UNKNOWN", `no device ${device} is configured`);
    if (!allowed(origin, parsed.command)) {
      return refused("COMMAND_FORBIDDEN", `no rule of commands.allow lets ${nameOf(origin)} do that`);
    }
    return dispatcher.submit(parsed.command, parsed.named && action !== "read");
  }

  async function handle(message: Message, origin: Origin): Promise<boolean> {
    const rules = { prefix, now: now(), clockSet: clockSet(), timeout, newId, resourceType };
    const parsed = parseCommand(message, rules);
    if (parsed === undefined) return false;
    const address = parsed.ok ? parsed.command : parsed.address;
    // Gateways may share a prefix at the upstream: the command is another one's, which answers it.
    if (origin.from === "bridge" && !hasDevice(address.device)) {
      const text = `a command to ${address.resource} of a device that is not configured here`;
      journal({ level: "debug", event: "command_not_ours", at: origin.bridge, message: text });
      return true;
    }
    const submitted = submit(parsed, origin);
    answer(address, submitted);
    await submitted.taken;
    return true;
  }

  function resume(): void {
    for (const left of log?.unanswered() ?? []) {
      if (left.kind === "ended") {
        const { device, id, result } = left;
        answer(left, { result: Promise.resolve(result), told: () => log?.told(device, id) });
        continue;
      }
      const { command } = left;
      const { device, id } = command;
      const forget = (): void => log?.forget(device, id);
      if (!hasDevice(device)) {
        answer(command, { ...refused("DEVICE_UNKNOWN", `no device ${device} is configured any more`), told: forget });
      } else if (!clockSet()) {
        const why = "the gateway was started anew and its clock is not set: whether the deadline passed is not known";
        answer(command, { ...refused("COMMAND_EXPIRED", why), told: forget });
      } else {
        answer(command, dispatcher.submit(command, true));
      }
    }
  }

  async function close(): Promise<void> {
    dispatcher.close();
    await Promise.all(answers);
  }

  return { handle, resume, close };
}

function refused(code: string, message: string): Submitted {
  return { taken: Promise.resolve(), result: Promise.resolve({ ok: false, code, message }), told: () => {} };
}

/** For the log: a client's id comes from a wire. */
function nameOf(origin: Origin): string {
  switch (origin.from) {
    case "bridge":
      return `bridge ${origin.bridge}`;
    case "client":
      return `client ${JSON.stringify(origin.client.slice(0, 100))}`;
    case "device":
      return `device ${origin.device}`;
    case "gateway":
      return "the gateway";
  }
}
