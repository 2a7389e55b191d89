import { bundledFolder, listProfiles, loadProfile, runSamples } from "../profile/index.js";

/** `weir profiles`: what there is. `weir profiles NAME|FILE`: whether one is sound, and its samples pass. */
export function profiles(ref: string | undefined): number {
  if (ref === undefined) {
    for (const { name } of listProfiles([bundledFolder])) {
      const { vendor, model, description } = loadProfile(name, [bundledFolder]);
      process.stdout.write(
        `${name.padEnd(24)} ${vendor} ${model}${description === undefined ? "" : `: ${description}`}\n`,
      );
    }
    return 0;
  }
  const profile = loadProfile(ref, [bundledFolder]);
  const samples = runSamples(profile);
  for (const { name, problem } of samples)
    process.stdout.write(
      `${problem === undefined ? "pass" : "FAIL"} ${name}${problem === undefined ? "" : `: ${problem}`}\n`,
    );
  const failed = samples.filter((sample) => sample.problem !== undefined).length;
  process.stdout.write(
    `${profile.name}: sound: ${profile.resources.size} resources; ${samples.length - failed} of ${samples.length} samples pass\n`,
  );
  return failed === 0 ? 0 : 1;
}
