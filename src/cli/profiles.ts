import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { bundledFolder, listProfiles, loadProfile, runSamples } from "../profile/index.js";
import { count } from "./check.js";

/** Where commands without a configuration look for a profile: `devices` of the current folder, then what comes with Weir. */
export function profileFolders(): string[] {
  const own = resolve("devices");
  return existsSync(own) && own !== resolve(bundledFolder) ? [own, bundledFolder] : [bundledFolder];
}

/** `weir profiles`: what there is. `weir profiles NAME|FILE`: whether one is sound, and its samples pass. */
export function profiles(ref: string | undefined): number {
  if (ref === undefined) {
    for (const { name } of listProfiles(profileFolders())) {
      const { vendor, model, description } = loadProfile(name, profileFolders());
      process.stdout.write(
        `${name.padEnd(24)} ${vendor} ${model}${description === undefined ? "" : `: ${description}`}\n`,
      );
    }
    return 0;
  }
  const profile = loadProfile(ref, profileFolders());
  const samples = runSamples(profile);
  for (const { name, problem } of samples)
    process.stdout.write(
      `${problem === undefined ? "pass" : "FAIL"} ${name}${problem === undefined ? "" : `: ${problem}`}\n`,
    );
  const failed = samples.filter((sample) => sample.problem !== undefined).length;
  const verdict = failed === 0 ? "sound: " : "";
  const size = count(profile.resources.size, "resource");
  const passed = `${samples.length - failed} of ${count(samples.length, "sample")} pass`;
  process.stdout.write(`${profile.name}: ${verdict}${size}; ${passed}\n`);
  return failed === 0 ? 0 : 1;
}
