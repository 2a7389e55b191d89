/** Memory of a process at a time. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  /** Bytes. */
  readonly rss: number;
}

export interface Verdict {
  /** Of the second half, bytes a minute: the first one fills caches, queues and sessions. */
  readonly slope: number;
  /** What that comes to over the second half, as a part of what is used. */
  readonly rise: number;
  readonly flat: boolean;
}

/** A rise that is no leak: collections come when they come. */
const NOISE = 0.05;

/** By least squares. */
export function judge(samples: readonly Sample[]): Verdict {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mean = (of: (sample: Sample) => number): number => half.reduce((sum, each) => sum + of(each), 0) / half.length;
  const [time, used] = [mean(({ at }) => at), mean(({ rss }) => rss)];
  const along = mean(({ at }) => (at - time) ** 2);
  const perSecond = along === 0 ? 0 : mean(({ at, rss }) => (at - time) * (rss - used)) / along;
  const lasted = (half.at(-1)?.at ?? 0) - (half[0]?.at ?? 0);
  const rise = half.length === 0 ? 0 : (perSecond * lasted) / used;
  return { slope: perSecond * 60, rise, flat: half.length > 2 && rise < NOISE };
}
