import { randomUUID } from "node:crypto";
import type { CommandResult } from "../core/command.js";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Accept, Message, Origin } from "../core/message.js";
import { type CommandAddress, type ParsedCommand, parseCommand, resultMessage } from "./commands.js";
import type { Dispatcher } from "./dispatcher.js";
import type { ResourceType } from "./value.js";

export interface DownlinkOptions {
  readonly prefix: string;
  readonly dispatcher: Dispatcher;
  readonly hasDevice: (device: string) => boolean;
  /** The type that the device's profile gives the resource; undefined where that is not known. */
  readonly resourceType: (device: string, resource: string) => ResourceType | undefined;
  readonly accept: Accept;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  readonly journal: Journal;
  /** ms that a command has if it does not say; 10 s if left out. */
  readonly timeout?: number;
  /** For a command that brings no id. */
  readonly newId?: () => string;
}

/** The way down: a command message in, its result message out. */
export interface Downlink {
  /**
   * False where the message is no command. Otherwise true once its result was accepted or refused: after the deadline at the
   * latest, so nothing that acknowledges may wait for it. Never rejects.
   */
  handle(message: Message, origin: Origin): Promise<boolean>;
}

export function createDownlink(options: DownlinkOptions): Downlink {
  const { prefix, dispatcher, hasDevice, resourceType, accept, now, journal } = options;
  const timeout = options.timeout ?? 10_000;
  const newId = options.newId ?? randomUUID;

  async function answer(address: CommandAddress, result: CommandResult): Promise<void> {
    const { device, resource, id } = address;
    // What comes from a wire names the device: an unknown one must not become the name of a counter.
    const at = hasDevice(device) ? device : "unknown device";
    if (!result.ok) {
      const message = `command ${JSON.stringify(id)} to ${resource}: ${result.message}`;
      journal({ level: "warn", event: "command_refused", at, message, reason: result.code.toLowerCase() });
    }
    try {
      await accept(resultMessage(prefix, address, result), { from: "device", device });
    } catch (error) {
      const message = `the result of command ${JSON.stringify(id)} was refused: ${messageOf(error)}`;
      journal({ level: "warn", event: "result_refused", at, message });
    }
  }

  async function outcome(parsed: ParsedCommand): Promise<CommandResult> {
    if (!parsed.ok) return { ok: false, code: parsed.error.code, message: parsed.error.message };
    const { device } = parsed.command;
    if (!hasDevice(device)) return { ok: false, code: "DEVICE_UNKNOWN", message: `no device ${device} is configured` };
    return dispatcher.submit(parsed.command);
  }

  async function handle(message: Message, origin: Origin): Promise<boolean> {
    const parsed = parseCommand(message, { prefix, now: now(), timeout, newId, resourceType });
    if (parsed === undefined) return false;
    const address = parsed.ok ? parsed.command : parsed.address;
    // Gateways may share a prefix at the upstream: the command is another one's, which answers it.
    if (origin.from === "bridge" && !hasDevice(address.device)) {
      const text = `a command to ${address.resource} of a device that is not configured here`;
      journal({ level: "debug", event: "command_not_ours", at: origin.bridge, message: text });
      return true;
    }
    await answer(address, await outcome(parsed));
    return true;
  }

  return { handle };
}
