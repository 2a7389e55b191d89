import type { Ending } from "./material.js";

/** An end that is near enough to be told. */
export interface Notice {
  readonly ending: Ending;
  /** Whole days that are left; 0: less than one; negative: it is over. */
  readonly days: number;
}

const DAY = 86_400_000;
/** Told once at each, counted in days. A revocation list lives a week or less: only its last day is news. */
const STEPS = { certificate: [30, 7, 1], crl: [1] } as const;

/** Says each step of each end once. Pure, save that it remembers what it said. */
export class Endings {
  readonly #told = new Map<string, number>();

  /** What is to be told now. */
  due(endings: readonly Ending[], now: number): Notice[] {
    return endings.flatMap((ending) => {
      const left = ending.at - now;
      const step = left <= 0 ? 0 : STEPS[ending.what].findLast((days) => left <= days * DAY);
      const key = `${ending.file} ${ending.at}`;
      if (step === undefined || (this.#told.get(key) ?? Number.POSITIVE_INFINITY) <= step) return [];
      this.#told.set(key, step);
      return [{ ending, days: left <= 0 ? -1 : Math.floor(left / DAY) }];
    });
  }

  /** Forgets what is no longer there. */
  keep(endings: readonly Ending[]): void {
    const there = new Set(endings.map(({ file, at }) => `${file} ${at}`));
    for (const key of this.#told.keys()) if (!there.has(key)) this.#told.delete(key);
  }
}
