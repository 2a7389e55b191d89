import type { Scalar } from "../core/reading.js";
import { isAsked } from "./coap/codec.js";
import { type CoapServerSimulation, coapServerSimulation, writeWhatFits } from "./coap/simulation.js";
import { type CompiledSerial, compileSerial, decodeFrame } from "./codec.js";
import { type Generator, generatorOf } from "./generator.js";
import type { Message } from "./message.js";
import type { Profile } from "./profile.js";
import { playSample } from "./samples.js";
import type { SimulateSection } from "./schema/simulate.js";
import { unwrap, wrap } from "./wire.js";

/** A device played from its profile. Time comes in; the same seed and times give the same bytes. */
export interface Simulation {
  /** ms between two times that it sends unasked. */
  readonly every: number;
  /** What it measures now, as its messages can carry it. */
  values(now: number): ReadonlyMap<string, Scalar>;
  /** What it sends unasked over a serial line now: none for a device that only answers, or that is not serial. */
  frames(now: number): Uint8Array[];
  /**
   * What it sends back to a poll or a command, empty where that has no answer; undefined where the request is neither.
   * A write changes its values.
   */
  answer(request: Uint8Array, now: number): Uint8Array | undefined;
  /** What it does as a CoAP server; undefined for a device that is none. */
  readonly coap?: CoapServerSimulation;
}

/** What one message looks like: the first sample of it. */
export interface Model {
  readonly message: Message;
  readonly frame: Uint8Array;
}

/** The first frame of every message in the samples. */
export function modelsOf(compiled: CompiledSerial, profile: Profile): Map<string, Model> {
  const models = new Map<string, Model>();
  for (const sample of profile.samples) {
    if (sample.command !== undefined || sample.path !== undefined) continue;
    for (const { bytes, decoded } of playSample(compiled, sample.bytes).frames) {
      const message = decoded.kind === "values" ? compiled.messages.get(decoded.message) : undefined;
      if (message !== undefined && !models.has(message.name)) models.set(message.name, { message, frame: bytes });
    }
  }
  return models;
}

/** The answers to every poll and command. */
function answersOf({ section }: CompiledSerial): (readonly string[])[] {
  return [...section.polls, ...Object.values(section.commands)].map(({ answer }) => answer);
}

/** The messages that are sent unasked, if the profile does not list them: those that answer nothing. */
function unasked(compiled: CompiledSerial): string[] {
  const answers = new Set(answersOf(compiled).flat());
  return Object.keys(compiled.section.messages).filter((name) => !answers.has(name));
}

/** Of several answers a simulated device gives the first: the others are for what it does not play, such as faults. */
export function simulatedAnswer(answers: readonly string[]): string | undefined {
  return answers[0];
}

const NOTHING = new Uint8Array();

function serialSimulation(
  profile: Profile,
  section: SimulateSection,
  raw: (now: number) => Map<string, Scalar>,
  written: Map<string, Scalar>,
): Simulation {
  const compiled = compileSerial(profile);
  const models = modelsOf(compiled, profile);
  const sends = section.sends ?? unasked(compiled);
  const said = new Set([...sends, ...answersOf(compiled).map(simulatedAnswer)]);
  const known = [...said].flatMap((name) => models.get(name ?? "") ?? []);
  function frameOf(model: Model, now: number): Uint8Array {
    return compiled.seal(writeWhatFits(model.message, model.frame, new Map([...raw(now), ...written])));
  }

  function say(name: string | undefined, now: number): Uint8Array {
    const model = models.get(name ?? "");
    return model === undefined ? NOTHING : wrap(compiled.section.framing, frameOf(model, now));
  }

  return {
    every: section.every,
    values(now) {
      const values = new Map<string, Scalar>();
      for (const model of known) {
        const decoded = decodeFrame([model.message], frameOf(model, now));
        if (decoded.kind !== "values") continue;
        for (const { resource, value } of decoded.values) if (!values.has(resource)) values.set(resource, value);
      }
      return values;
    },
    frames: (now) => sends.map((name) => say(name, now)).filter((frame) => frame.length > 0),
    answer(request, now) {
      const poll = compiled.polls.find((candidate) => Buffer.from(candidate.request).equals(request));
      if (poll !== undefined) return say(simulatedAnswer(poll.answers), now);
      for (const [resource, command] of compiled.commands) {
        const bytes = unwrap(compiled.section.framing, request);
        const understood = bytes && command.understand(bytes);
        if (understood === undefined) continue;
        if (understood.value !== undefined) written.set(resource, understood.value);
        return say(simulatedAnswer(compiled.section.commands[resource]?.answer ?? []), now);
      }
      return undefined;
    },
  };
}

/** Decimals of a number if neither the profile nor a message of it says how fine the device is. */
const DECIMALS = 3;

/** Plays the device of a profile; undefined where the profile says nothing about it. */
export function simulation(profile: Profile, seed: number): Simulation | undefined {
  const section = profile.simulate;
  if (section === undefined) return undefined;
  const generators = Object.entries(section.values).map(([name, generator]): [string, Generator] => [
    name,
    generatorOf(generator, seed, name, profile.resources.get(name)?.type === "integer" ? 0 : DECIMALS),
  ]);
  /** When it was first asked: time runs from there, so that a meter starts where the profile says. */
  let origin: number | undefined;
  function raw(now: number): Map<string, Scalar> {
    origin ??= now;
    const elapsed = Math.max(0, now - origin);
    return new Map(generators.map(([name, generator]) => [name, generator(elapsed)]));
  }
  /** What commands wrote: it outlasts the generator. */
  const written = new Map<string, Scalar>();
  const base =
    profile.serial === undefined
      ? { every: section.every, values: raw, frames: () => [], answer: () => undefined }
      : serialSimulation(profile, section, raw, written);
  return isAsked(profile) ? { ...base, coap: coapServerSimulation(profile, raw, written) } : base;
}
