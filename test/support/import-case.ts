import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatNote, importMosquitto, type Judge } from "../../src/import/mosquitto/index.js";
import { root } from "./case.js";

const casesFolder = join(root, "test", "cases", "import");

export function importCases(): { readonly name: string; readonly folder: string }[] {
  return readdirSync(casesFolder).map((name) => ({ name, folder: join(casesFolder, name) }));
}

/** Both as they are printed. Files are named by their whole path; a case does not know where it lies. */
export function importCase(folder: string, judge: Judge): { readonly yaml: string; readonly notes: string } {
  const { yaml, notes } = importMosquitto(join(folder, "mosquitto.conf"), judge);
  const bare = (text: string): string => text.replaceAll(`${folder}/`, "");
  return { yaml: bare(yaml), notes: bare(notes.map((note) => `${formatNote(note)}\n`).join("")) };
}
