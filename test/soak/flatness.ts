/** Memory of a process at a time. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  /** What the process has, in bytes. */
  readonly rss: number;
  /** What is needed of it: on the heap and in buffers, after a collection. */
  readonly used: number;
}

export interface Verdict {
  /** Of the second half, bytes a minute: the first one fills caches, queues and sessions. */
  readonly slope: number;
  /** What that comes to over the second half, as a part of what is used. */
  readonly rise: number;
  readonly flat: boolean;
}

/** A rise of one of them that is no leak: how much waits for clients that are away changes, and the system gives back late. */
const NOISE = { used: 0.1, rss: 0.1 };

/** By least squares. */
export function judge(samples: readonly Sample[], what: "rss" | "used"): Verdict {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mean = (of: (sample: Sample) => number): number => half.reduce((sum, each) => sum + of(each), 0) / half.length;
  const [time, used] = [mean(({ at }) => at), mean((sample) => sample[what])];
  const along = mean(({ at }) => (at - time) ** 2);
  const perSecond = along === 0 ? 0 : mean((sample) => (sample.at - time) * (sample[what] - used)) / along;
  const lasted = (half.at(-1)?.at ?? 0) - (half[0]?.at ?? 0);
  const rise = half.length === 0 ? 0 : (perSecond * lasted) / used;
  return { slope: perSecond * 60, rise, flat: half.length > 2 && rise < NOISE[what] };
}
