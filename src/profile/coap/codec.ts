import type { Action } from "../../core/command.js";
import { WeirError } from "../../core/errors.js";
import type { Scalar } from "../../core/reading.js";
import { allows } from "../codec.js";
import type { Profile } from "../profile.js";
import { checkValue } from "../resource.js";
import type { CoapPath } from "../schema/coap.js";
import { type CoapCommand, compileCoapCommand } from "./command.js";
import { type CoapRead, compileRead } from "./read.js";

/** A command as a request. */
export interface EncodedCoapCommand extends CoapPath {
  readonly method: "put" | "post";
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
}

/** What the gateway asks a CoAP device for and tells it, by its profile's coap section. Holds no state. */
export interface CoapCodec {
  readonly reads: readonly CoapRead[];
  /** What to ask for the value of one resource: its own read before one of several. Undefined where there is none. */
  readOf(resource: string): CoapRead | undefined;
  /** Throws a WeirError: RESOURCE_UNKNOWN, ACTION_UNSUPPORTED, VALUE_INVALID. */
  encode(resource: string, action: Exclude<Action, "read">, value?: Scalar): EncodedCoapCommand;
}

export interface CompiledCoap {
  readonly reads: readonly CoapRead[];
  readonly commands: ReadonlyMap<string, CoapCommand>;
}

/** Throws the error of a regular expression for what cannot be; the profile's check has seen to that. */
export function compileCoap(profile: Profile): CompiledCoap {
  const { reads = [], commands = {} } = profile.coap ?? {};
  const compiled = new Map<string, CoapCommand>();
  for (const [name, section] of Object.entries(commands)) {
    const resource = profile.resources.get(name);
    if (resource !== undefined) compiled.set(name, compileCoapCommand(section, name, resource, profile));
  }
  return { reads: reads.map((section) => compileRead(section, profile)), commands: compiled };
}

/** Whether a gateway can ask devices of this profile anything. */
export function isAsked({ coap }: Profile): boolean {
  return coap !== undefined && (coap.reads.length > 0 || Object.keys(coap.commands).length > 0);
}

export function coapCodec(profile: Profile): CoapCodec {
  const { reads, commands } = compileCoap(profile);
  return {
    reads,
    readOf(name) {
      const carrying = reads.filter(({ resources }) => resources.has(name));
      return carrying.sort((a, b) => a.resources.size - b.resources.size)[0];
    },
    encode(name, action, value) {
      const resource = profile.resources.get(name);
      if (resource === undefined) {
        throw new WeirError("RESOURCE_UNKNOWN", `profile ${profile.name} has no resource ${JSON.stringify(name)}`);
      }
      const command = allows(resource.access, action) ? commands.get(name) : undefined;
      if (command === undefined) {
        throw new WeirError("ACTION_UNSUPPORTED", `profile ${profile.name} has no way to ${action} ${name}`);
      }
      const problem = command.payload.carriesValue && value !== undefined ? checkValue(resource, value) : undefined;
      if (problem !== undefined) throw new WeirError("VALUE_INVALID", `${name}: ${problem}`);
      const { path, query, text, method } = command;
      const payload = encodeValue(name, command, value);
      const contentFormat = payload.length === 0 ? undefined : command.contentFormat;
      return { path, query, text, method, contentFormat, payload };
    },
  };
}

function encodeValue(name: string, { payload }: CoapCommand, value: Scalar | undefined): Uint8Array {
  try {
    return payload.encode(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new WeirError("VALUE_INVALID", `${name}: ${error.message}`, { cause: error });
  }
}
