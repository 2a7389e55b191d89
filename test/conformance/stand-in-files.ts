import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Conf } from "./mosquitto-conf.js";

/** In the stand-in's folder: the options that were asked of it and that the broker has no equivalent of, one a line. */
export const REFUSED = "refused";

/**
 * mosquitto keeps its state in the file that the test names, and the test removes the file to have it forgotten. Ours is a
 * folder: the file says which.
 */
export function stateFolder(folder: string, { options }: Conf): string {
  const file = options.get("persistence") === "true" ? options.get("persistence_file") : undefined;
  if (file !== undefined && existsSync(file)) return readFileSync(file, "utf8");
  const state = mkdtempSync(join(folder, "state-"));
  if (file !== undefined) writeFileSync(file, state);
  return state;
}
