/**
 * Commands as MQTT messages, and their results.
 *
 * `{prefix}/{device}/{resource}/set` writes, `get` reads, `exec` executes. The payload is the bare value (`25`, `on`, `true`,
 * `"text"`), nothing, or an object `{"id":"7","value":25,"timeout":"5s"}` with any of these keys, or `deadline` in ms since
 * the epoch in place of `timeout`. An id makes a command safe to send again: the same id for one device runs once.
 */

import type { Action, Command, CommandResult } from "../core/command.js";
import { WeirError } from "../core/errors.js";
import type { Message } from "../core/message.js";
import type { Scalar } from "../core/reading.js";
import { formatTopic, parseTopic } from "../core/topics.js";
import { type Body, readBody } from "./command-body.js";
import { scalarJson } from "./payload.js";
import { convert, type ResourceType } from "./value.js";

/** Where a result goes, and the id it carries back. */
export interface CommandAddress {
  readonly id: string;
  readonly device: string;
  readonly resource: string;
}

export type ParsedCommand =
  /** `named`: whoever asked gave the id. */
  | { readonly ok: true; readonly command: Command; readonly named: boolean }
  | { readonly ok: false; readonly address: CommandAddress; readonly error: WeirError };

export interface CommandRules {
  readonly prefix: string;
  /** ms since the Unix epoch. */
  readonly now: number;
  /** Whether that can be believed. */
  readonly clockSet: boolean;
  /** ms that a command has if it does not say. */
  readonly timeout: number;
  /** For a command that brings no id. */
  readonly newId: () => string;
  /** The type that the device's profile gives the resource; undefined where that is not known. */
  readonly resourceType: (device: string, resource: string) => ResourceType | undefined;
}

/** The longest time that a command may wait and run, in ms: one day. */
export const LONGEST_TIMEOUT = 86_400_000;
const MAX_PAYLOAD = 65_536; // bytes
const MAX_RESULT_TEXT = 500; // characters

/** Undefined where the topic is none of a command. Never throws. */
export function parseCommand(message: Message, rules: CommandRules): ParsedCommand | undefined {
  const topic = parseTopic(rules.prefix, message.topic);
  if (topic?.kind !== "command") return undefined;
  const { device, resource, action } = topic;
  let id: string | undefined;
  try {
    // Only what is written must fit the resource: the argument of an execute is an affair of its own.
    const type = action === "write" ? rules.resourceType(device, resource) : undefined;
    checkEnvelope(message);
    const body = readBody(message.payload, type, (found) => {
      id = found;
    });
    const named = id !== undefined;
    id ??= rules.newId();
    const value = commandValue(body, action, type);
    const deadline = deadlineOf(body, rules);
    const command = { id, device, resource, action, deadline, ...(value === undefined ? {} : { value }) };
    return { ok: true, command, named };
  } catch (error) {
    const reason =
      error instanceof WeirError ? error : new WeirError("COMMAND_INVALID", "it cannot be read", { cause: error });
    return { ok: false, address: { id: id ?? rules.newId(), device, resource }, error: reason };
  }
}

function checkEnvelope({ retain, payload }: Message): void {
  // It would run again each time the gateway starts or connects.
  if (retain) throw new WeirError("COMMAND_INVALID", "it is retained: publish commands without retain");
  if (payload.length > MAX_PAYLOAD) {
    throw new WeirError("COMMAND_INVALID", `the payload has ${payload.length} bytes, ${MAX_PAYLOAD} is the most`);
  }
}

function commandValue(body: Body, action: Action, type: ResourceType | undefined): Scalar | undefined {
  if (body.value === undefined) {
    if (action === "write") throw new WeirError("COMMAND_INVALID", "there is no value to write");
    return undefined;
  }
  if (action === "read") throw new WeirError("COMMAND_INVALID", "a read takes no value: publish an empty payload");
  return convert(body.value, type);
}

function deadlineOf({ timeout, deadline }: Body, { now, clockSet, timeout: usual }: CommandRules): number {
  // It would run late by as much as the clock is behind.
  if (deadline !== undefined && !clockSet) {
    throw new WeirError("COMMAND_EXPIRED", "the gateway's clock is not set: whether its deadline passed is not known");
  }
  const latest = now + LONGEST_TIMEOUT;
  const wanted = deadline ?? now + (timeout ?? usual);
  if (wanted > latest) throw new WeirError("COMMAND_INVALID", "its deadline is more than one day away");
  return wanted;
}

/** A result for whoever asked: QoS 1, not retained. Keys always in the order id, ok, value or code, message. */
export function resultMessage(prefix: string, address: CommandAddress, result: CommandResult): Message {
  const { id, device, resource } = address;
  const outcome = result.ok
    ? `"ok":true${result.value === undefined ? "" : `,"value":${scalarJson(result.value)}`}`
    : `"ok":false,"code":${JSON.stringify(result.code)},"message":${JSON.stringify(bounded(result.message))}`;
  return {
    topic: formatTopic(prefix, { kind: "result", device, resource }),
    payload: Buffer.from(`{"id":${JSON.stringify(id)},${outcome}}`),
    qos: 1,
    retain: false,
  };
}

function bounded(text: string): string {
  return text.length <= MAX_RESULT_TEXT ? text : `${text.slice(0, MAX_RESULT_TEXT - 1)}…`;
}
