import { didYouMean } from "../../core/near.js";
import type { Profile } from "../profile.js";
import { knowsResource, type Report } from "./report.js";

/** Samples name resources and commands that there are. Whether they pass is for `runSamples`. */
export function checkSamples(profile: Profile, report: Report): void {
  const { serial, coap } = profile;
  for (const [index, { command, readings, path: at }] of profile.samples.entries()) {
    const path = ["samples", index];
    const commands = Object.keys((at === undefined ? serial?.commands : coap?.commands) ?? {});
    if (at === undefined && serial === undefined)
      report(path, "is for a serial section, and there is none: with path it is of a CoAP device");
    const paths = coap?.reads.map((read) => read.path.text) ?? [];
    if (at !== undefined && command === undefined && !paths.includes(at.text))
      report([...path, "path"], `coap.reads has no path ${at.text}${didYouMean(at.text, paths)}`);
    if (command !== undefined && !commands.includes(command)) {
      report([...path, "command"], `no command is called ${command}${didYouMean(command, commands)}`);
    }
    const frames = Array.isArray(readings) ? readings : readings === undefined ? [] : [readings];
    for (const [position, frame] of frames.entries()) {
      if (typeof frame === "string") continue;
      const above = [...path, "readings", ...(Array.isArray(readings) ? [position] : [])];
      for (const name of Object.keys(frame)) knowsResource(profile, report, [...above, name], name);
    }
  }
}
