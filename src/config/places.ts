import type { ConfigDocument } from "./document.js";
import { type ConfigProblem, type Path, pathKey, plain } from "./problems.js";
import type { Finding } from "./wording.js";

/** Which value came from which override. */
export class Origins {
  readonly #names = new Map<string, string>();

  /** `name` has set the value at `path` and made the containers `made` on its way. What was set below before is gone. */
  set(name: string, path: Path, made: readonly Path[]): void {
    const below = `${pathKey(path)}\0`;
    for (const key of this.#names.keys()) if (key.startsWith(below)) this.#names.delete(key);
    for (const one of [...made, path]) this.#names.set(pathKey(one), name);
  }

  /** The override that a value, or what holds it, came from. */
  of(path: Path): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const name = this.#names.get(pathKey(path.slice(0, length)));
      if (name !== undefined) return name;
    }
    return undefined;
  }
}

export type Placer = (finding: Finding, level?: ConfigProblem["level"]) => ConfigProblem;

/** Gives findings their places: the override that brought the value, else line and column of the file. */
export function createPlacer(
  file: string,
  document: ConfigDocument,
  origins: Origins,
  mask: (text: string) => string,
): Placer {
  return ({ path, message, aboutKey = false }, level = "error") => {
    const rest = { path, message: plain(mask(message)), level };
    const origin = origins.of(path);
    if (origin !== undefined) return { place: origin, ...rest };
    const { line, column } = aboutKey ? document.keyAt(path) : document.valueAt(path);
    return { place: `${plain(file)}:${line}:${column}`, line, column, ...rest };
  };
}
