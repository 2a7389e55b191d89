import { adapters } from "../../adapters/index.js";
import { ConfigError, loadConfig, type Path } from "../config/index.js";
import { formatNote, importMosquitto } from "../import/mosquitto/index.js";

/** `weir import`: the bridges of a mosquitto.conf as a configuration on stdout, what does not fit on stderr. */
export function importConfig(file: string | undefined): number {
  if (file === undefined) {
    process.stderr.write("weir import MOSQUITTO_CONF\n");
    return 2;
  }
  const { yaml, notes } = importMosquitto(file, (text) => problems(file, text));
  for (const note of notes) process.stderr.write(`${formatNote(note)}\n`);
  process.stdout.write(yaml);
  return notes.some(({ level }) => level === "error") ? 1 : 0;
}

/** As `weir check` sees it, without overrides: this machine's environment is not part of the file. */
function problems(file: string, text: string): readonly { path: Path; message: string }[] {
  try {
    loadConfig({ file, text, env: {}, set: [], adapters });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.filter(({ level }) => level === "error");
    throw error;
  }
}
