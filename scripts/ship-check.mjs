// `npm run ship:check`: is what we ship fit to ship? The systemd unit, the npm package with nothing but its production
// dependencies, and the container image, each as far as this machine allows. What could not be checked is said; a missing
// program is a failure where CI lets nothing be skipped (WEIR_REQUIRE_PEERS=1).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, exit, stdout } from "node:process";
import { checkDockerfile } from "./ship/dockerfile.mjs";
import { checkImage } from "./ship/image.mjs";
import { checkPackage } from "./ship/package.mjs";
import { NotChecked, NotInstalled } from "./ship/run.mjs";
import { checkUnit } from "./ship/unit.mjs";

const root = join(import.meta.dirname, "..");
const CHECKS = { unit: checkUnit, package: checkPackage, dockerfile: checkDockerfile, image: checkImage };

let failed = false;
for (const [name, check] of Object.entries(CHECKS)) {
  const folder = mkdtempSync(join(tmpdir(), `weir-ship-${name}-`));
  try {
    for (const done of check(root, folder)) stdout.write(`ok           ${name}: ${done}\n`);
  } catch (error) {
    const demanded = error instanceof NotInstalled && env["WEIR_REQUIRE_PEERS"] === "1";
    const allowed = error instanceof NotChecked && !demanded;
    failed ||= !allowed;
    const text = error instanceof Error ? error.message : String(error);
    stdout.write(`${allowed ? "not checked " : "FAILED      "} ${name}: ${text}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
exit(failed ? 1 : 0);
