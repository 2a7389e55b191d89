import { didYouMean } from "../../core/near.js";
import type { Profile } from "../profile.js";
import { knowsResource, type Report } from "./report.js";

/** Samples name resources and commands that there are. Whether they pass is for `runSamples`. */
export function checkSamples(profile: Profile, report: Report): void {
  const commands = Object.keys(profile.serial?.commands ?? {});
  for (const [index, { command, readings }] of profile.samples.entries()) {
    const path = ["samples", index];
    if (profile.serial === undefined) report(path, "is for a serial section, and there is none");
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
