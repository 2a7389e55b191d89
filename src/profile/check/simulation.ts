import { messageOf } from "../../core/errors.js";
import type { Scalar } from "../../core/reading.js";
import { layoutOf } from "../coap/read.js";
import { compileSerial } from "../codec.js";
import { extremesOf } from "../generator.js";
import { frameOf } from "../layout/layout.js";
import type { Message } from "../message.js";
import type { Profile } from "../profile.js";
import { checkValue } from "../resource.js";
import { runSamples } from "../samples.js";
import { type Model, modelsOf, simulatedAnswer } from "../simulation.js";
import type { Path } from "../source.js";
import { knowsMessage, knowsResource, type Report } from "./report.js";

/** What a frame says of one resource. */
function says(message: Message, frame: Uint8Array, name: string): Scalar | undefined {
  const decoded = message.decode(frameOf(frame));
  return decoded?.kind === "values" ? decoded.values.find(({ resource }) => resource === name)?.value : undefined;
}

/** Tries to write a value into the messages that carry it. */
function tryWrite(name: string, value: Scalar, models: Iterable<Model>): string | undefined {
  for (const { message, frame } of models) {
    if (!message.resources.has(name)) continue;
    try {
      const written = message.write(frame, new Map([[name, value]]));
      // Numbers may be rounded; a word that is not in the enumeration leaves the sample's own.
      if (typeof value === "number" || says(message, written, name) === value) continue;
      return `${String(value)} is nothing that message ${message.name} can say`;
    } catch (error) {
      return `${String(value)} cannot be written into message ${message.name}: ${messageOf(error)}`;
    }
  }
  return undefined;
}

function samplesThatFail(profile: Profile, report: Report): boolean {
  const problems = runSamples(profile).map(({ problem }) => problem);
  for (const [index, problem] of problems.entries()) {
    if (problem !== undefined) report(["samples", index], `${problem} (a simulated device sends its samples)`);
  }
  return problems.some((problem) => problem !== undefined);
}

/** Every simulated value has a sample to be written into, and fits there. */
export function checkSimulation(profile: Profile, report: Report): void {
  const { simulate, serial, coap } = profile;
  if (simulate === undefined) return;
  const failed = samplesThatFail(profile, report);
  // A simulated device sends its samples: without them all that follows would be wrong as well.
  if (failed) return;
  const models = serial === undefined ? new Map<string, Model>() : modelsOf(compileSerial(profile), profile);
  const needsSample = (path: Path, message: string) => {
    if (!models.has(message)) report(path, `message ${message} has no sample, which is what a simulated device sends`);
  };
  for (const [index, name] of (simulate.sends ?? []).entries()) {
    const path = ["simulate", "sends", index];
    if (knowsMessage(profile, report, path, name)) needsSample(path, name);
  }
  for (const [index, { answer }] of (serial?.polls ?? []).entries()) {
    const name = simulatedAnswer(answer);
    if (name !== undefined) needsSample(["serial", "polls", index, "answer"], name);
  }
  for (const [index, read] of (coap?.reads ?? []).entries()) {
    const shown = profile.samples.some(({ path, command }) => command === undefined && path?.text === read.path.text);
    if (layoutOf(read, profile) !== undefined && !shown)
      report(["coap", "reads", index], "has no sample, which is what a simulated device answers with");
  }
  for (const [name, generator] of Object.entries(simulate.values)) {
    const path = ["simulate", "values", name];
    if (!knowsResource(profile, report, path, name)) continue;
    const resource = profile.resources.get(name);
    if (resource === undefined) continue;
    if (serial !== undefined && ![...models.values()].some(({ message }) => message.resources.has(name))) {
      report(path, "no message with a sample carries it: it cannot be simulated", "key");
    }
    for (const value of extremesOf(generator)) {
      const problem = checkValue(resource, value) ?? tryWrite(name, value, models.values());
      if (problem !== undefined) report(path, problem);
    }
  }
}
