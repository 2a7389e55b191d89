import { toBridges } from "./bridges.js";
import { readFiles } from "./files.js";
import { toListeners } from "./listeners.js";
import { type Note, Notes } from "./notes.js";
import { render } from "./render.js";
import { sections } from "./sections.js";
import { type Judge, settle } from "./settle.js";

export { formatNote, type Note } from "./notes.js";
export type { Judge } from "./settle.js";

export interface Imported {
  readonly yaml: string;
  readonly notes: readonly Note[];
}

/**
 * The bridges and the plain listeners of a mosquitto.conf as a configuration of ours. Everything that the file says and the
 * result does not is among the notes. Reads that file and those that it includes.
 * @throws ConfigError if the file cannot be read.
 */
export function importMosquitto(file: string, judge: Judge): Imported {
  const notes = new Notes();
  const files = readFiles(file, notes);
  const found = sections(files, notes);
  const draft = { listeners: toListeners(found, notes), bridges: toBridges(found, notes) };
  if (found.connections.length === 0) notes.error({ file }, "there is no connection in it: no bridge to import");
  const settled = settle(draft, (one) => render(file, one), judge, file, notes);
  return { yaml: render(file, settled), notes: notes.sorted(files.map(({ name }) => name)) };
}
