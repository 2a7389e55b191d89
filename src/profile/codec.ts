import type { Action } from "../core/command.js";
import { WeirError } from "../core/errors.js";
import type { Scalar } from "../core/reading.js";
import type { Framer } from "../protocols/framing/framer.js";
import { type Command, compileCommand } from "./command.js";
import { frameOf } from "./layout/layout.js";
import { compileMessage, type Decoded, type Message } from "./message.js";
import type { Access, Profile } from "./profile.js";
import { checkValue } from "./resource.js";
import type { ChecksumSection } from "./schema/checksum.js";
import type { SerialSection } from "./schema/serial.js";
import { framerFactory, type Seal, sealOf, wrap } from "./wire.js";

/** How the line is set. */
export interface SerialLine {
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: "none" | "even" | "odd" | "mark" | "space";
  readonly stopBits: 1 | 1.5 | 2;
}

/** A question that is asked again and again. */
export interface Poll {
  readonly request: Uint8Array;
  /** ms */
  readonly every: number;
  /** The messages of which any one answers it; none: no answer is waited for. */
  readonly answers: readonly string[];
  /** The resources that its answers can carry. Not every one of them carries all. */
  readonly resources: ReadonlySet<string>;
  /** ms to wait for the answer. */
  readonly timeout: number;
}

/** A command as bytes for the line. */
export interface EncodedCommand {
  readonly request: Uint8Array;
  /** The messages of which any one answers it; none: no answer is waited for. */
  readonly answers: readonly string[];
  /** ms to wait for the answer. */
  readonly timeout: number;
}

/** What goes down as a command of the profile. Nothing is encoded for a read: it is answered by polls. */
type DownAction = Exclude<Action, "read">;

/** A profile's serial section at work. Holds no state: frames in, values out. */
export interface SerialCodec {
  readonly line: SerialLine;
  /** A fresh framer, the checksum built in. */
  framer(): Framer;
  /** Never throws, whatever the frame. */
  decode(frame: Uint8Array): Decoded;
  readonly polls: readonly Poll[];
  /** Throws a WeirError: RESOURCE_UNKNOWN, ACTION_UNSUPPORTED, VALUE_INVALID. */
  encode(resource: string, action: DownAction, value?: Scalar): EncodedCommand;
}

/** The parts that the codec, the simulation and the checks share. */
export interface CompiledSerial {
  readonly section: SerialSection;
  readonly framer: () => Framer;
  readonly messages: ReadonlyMap<string, Message>;
  readonly commands: ReadonlyMap<string, Command>;
  readonly polls: readonly Poll[];
  readonly seal: Seal;
}

/** Throws a RangeError or the error of a regular expression for what cannot be; the profile's check has seen to that. */
export function compileSerial(profile: Profile): CompiledSerial {
  const section = profile.serial;
  if (section === undefined) {
    throw new WeirError(
      "PROFILE_INVALID",
      `profile ${profile.name} has no serial section: it is not for a serial line`,
    );
  }
  const sealFor = (checksum: boolean | ChecksumSection): Seal =>
    sealOf(typeof checksum === "boolean" ? (checksum ? section.checksum : undefined) : checksum);
  const commands = new Map<string, Command>();
  for (const [name, command] of Object.entries(section.commands)) {
    const resource = profile.resources.get(name);
    if (resource !== undefined) commands.set(name, compileCommand(command, resource, sealFor(command.checksum)));
  }
  const messages = new Map(
    Object.entries(section.messages).map(([name, message]) => [name, compileMessage(name, message, profile.resources)]),
  );
  return {
    section,
    framer: framerFactory(section),
    messages,
    commands,
    polls: section.polls.map(({ request, every, answer, timeout, checksum }) => ({
      request: forLine(section, sealFor(checksum)(request)),
      every,
      answers: answer,
      resources: new Set(answer.flatMap((name) => [...(messages.get(name)?.resources ?? [])])),
      timeout,
    })),
    seal: sealOf(section.checksum),
  };
}

/** Requests go out as they are written, but SLIP has no other way to carry them. */
function forLine(section: SerialSection, request: Uint8Array): Uint8Array {
  return section.framing.slip === undefined ? request : wrap(section.framing, request);
}

/** Decodes one frame by the first message that it matches. */
export function decodeFrame(messages: Iterable<Message>, bytes: Uint8Array): Decoded {
  const frame = frameOf(bytes);
  for (const message of messages) {
    const decoded = message.decode(frame);
    if (decoded !== undefined) return decoded;
  }
  return { kind: "unmatched" };
}

/** Whether the resource's access allows the action. */
export function allows(access: Access, action: DownAction): boolean {
  return access.includes({ write: "W", execute: "E" }[action]);
}

/** The codec of a profile. Throws a WeirError PROFILE_INVALID where the profile has no serial section. */
export function serialCodec(profile: Profile): SerialCodec {
  const compiled = compileSerial(profile);
  const { section, commands } = compiled;
  const { baudRate, dataBits, parity, stopBits } = section;
  const messages = [...compiled.messages.values()];

  return {
    line: { baudRate, dataBits, parity, stopBits },
    framer: compiled.framer,
    decode: (frame) => decodeFrame(messages, frame),
    polls: compiled.polls,
    encode(name, action, value) {
      const resource = profile.resources.get(name);
      if (resource === undefined) {
        throw new WeirError("RESOURCE_UNKNOWN", `profile ${profile.name} has no resource ${JSON.stringify(name)}`);
      }
      const command = allows(resource.access, action) ? commands.get(name) : undefined;
      const how = section.commands[name];
      if (command === undefined || how === undefined) {
        throw new WeirError("ACTION_UNSUPPORTED", `profile ${profile.name} has no way to ${action} ${name}`);
      }
      const problem = command.carriesValue && value !== undefined ? checkValue(resource, value) : undefined;
      if (problem !== undefined) throw new WeirError("VALUE_INVALID", `${name}: ${problem}`);
      return {
        request: forLine(section, encodeValue(name, command, value)),
        answers: how.answer,
        timeout: how.timeout,
      };
    },
  };
}

function encodeValue(resource: string, command: Command, value: Scalar | undefined): Uint8Array {
  try {
    return command.encode(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new WeirError("VALUE_INVALID", `${resource}: ${error.message}`, { cause: error });
  }
}
