import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { attempt, run } from "./run.mjs";

/** Of 100, by `systemd-analyze security`: 96 is a service with no hardening at all, below 40 is its "OK". */
const MOST_EXPOSURE = 25;

/**
 * @param {string} root
 * @param {string} folder a temporary one
 */
export function* checkUnit(root, folder) {
  // The unit names the paths of an installed Weir; the check wants programs that are here.
  const unit = readFileSync(join(root, "systemd", "weir.service"), "utf8");
  const start = "ExecStart=/usr/bin/node /opt/weir/dist/src/main.js run /etc/weir/weir.yaml\n";
  if (!unit.includes(start)) throw new Error(`systemd/weir.service has no line ${start}`);
  const copy = join(folder, "weir.service");
  writeFileSync(copy, unit.replaceAll("/usr/bin/node", execPath).replaceAll("/opt/weir", root));

  // Its exit code is 0 even for a key that it does not know: what it says of this unit is what counts.
  const { status, text } = attempt("systemd-analyze", ["verify", "--man=no", copy]);
  const complaints = text.split("\n").filter((line) => line.includes("weir.service"));
  if (status !== 0 || complaints.length > 0) throw new Error(`systemd-analyze verify:\n${text}`);
  yield "systemd-analyze verify says nothing against systemd/weir.service";

  run("systemd-analyze", ["security", "--offline=true", "--no-pager", `--threshold=${MOST_EXPOSURE}`, copy]);
  yield `systemd-analyze security: exposure at most ${MOST_EXPOSURE} of 100`;
}
