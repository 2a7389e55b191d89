import type { Scalar } from "../core/reading.js";
import { roundTo } from "./decimal.js";
import type { GeneratorSection } from "./schema/simulate.js";

/** The value after so many ms. The same every time it is asked. */
export type Generator = (elapsed: number) => Scalar;

const MS_PER_HOUR = 3_600_000;

/** A number in [0, 1) that looks like chance but is always the same for the same words (FNV-1a and a final mix). */
function chance(seed: number, name: string, step: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const letter of `${name}:${step}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Every fraction of a period in which a walk chooses a new aim. */
const AIMS_PER_PERIOD = 2;

/** Goes smoothly from one random aim to the next, so that it needs no memory. In [0, 1). */
function walk(seed: number, name: string, rounds: number): number {
  const step = Math.floor(rounds * AIMS_PER_PERIOD);
  const part = rounds * AIMS_PER_PERIOD - step;
  const from = chance(seed, name, step);
  const to = chance(seed, name, step + 1);
  return from + (to - from) * part * part * (3 - 2 * part);
}

function numeric(section: GeneratorSection, seed: number, name: string): ((elapsed: number) => number) | undefined {
  const { sine, ramp, counter } = section;
  if (sine !== undefined) {
    // Devices of one kind do not swing in step.
    const phase = chance(seed, name, 0);
    return (elapsed) => {
      const turn = Math.sin(2 * Math.PI * (elapsed / sine.period + phase));
      return sine.min + ((sine.max - sine.min) * (turn + 1)) / 2;
    };
  }
  if (ramp !== undefined) return (elapsed) => ramp.min + (ramp.max - ramp.min) * ((elapsed / ramp.period) % 1);
  if (section.walk !== undefined) {
    const { min, max, period } = section.walk;
    return (elapsed) => min + (max - min) * walk(seed, name, elapsed / period);
  }
  if (counter !== undefined) return (elapsed) => counter.start + (counter.perHour * elapsed) / MS_PER_HOUR;
  return undefined;
}

/** The generator of one resource. `fallback`: the decimals of a number where the profile does not say. */
export function generatorOf(section: GeneratorSection, seed: number, name: string, fallback: number): Generator {
  const number = numeric(section, seed, name);
  if (number !== undefined) {
    const decimals = (section.sine ?? section.ramp ?? section.walk ?? section.counter)?.decimals ?? fallback;
    return (elapsed) => roundTo(number(elapsed), decimals);
  }
  const { choice, constant } = section;
  if (choice !== undefined) {
    const { of, period } = choice;
    return (elapsed) => of[Math.floor(((elapsed / period) % 1) * of.length)] ?? "";
  }
  return () => constant ?? "";
}

/** The values that a generator goes between, to try whether they can be written. */
export function extremesOf(section: GeneratorSection): Scalar[] {
  const range = section.sine ?? section.ramp ?? section.walk;
  if (range !== undefined) return [range.min, range.max];
  if (section.counter !== undefined) return [section.counter.start];
  if (section.choice !== undefined) return section.choice.of;
  return section.constant === undefined ? [] : [section.constant];
}
