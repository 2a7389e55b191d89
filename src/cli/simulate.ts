import { loadProfile } from "../profile/index.js";
import { play } from "../simulator/index.js";
import { profileFolders } from "./profiles.js";
import { untilSignal } from "./signals.js";

export interface SimulateOptions {
  readonly port?: string | undefined;
  readonly coap?: string | undefined;
  readonly device?: string | undefined;
  readonly seed?: string | undefined;
}

/** `weir simulate`: plays one device from its profile, until a signal. */
export async function simulate(ref: string | undefined, options: SimulateOptions): Promise<number> {
  const seed = options.seed === undefined ? undefined : Number(options.seed);
  if (ref === undefined || (seed !== undefined && !Number.isSafeInteger(seed))) {
    process.stderr.write("weir simulate PROFILE (--port PATH | --coap URL --device ID) [--seed WHOLE_NUMBER]\n");
    return 2;
  }
  const stop = new AbortController();
  void untilSignal().then(() => stop.abort());
  const { port, coap, device } = options;
  await play({
    profile: loadProfile(ref, profileFolders()),
    ...(port === undefined ? {} : { port }),
    ...(coap === undefined ? {} : { coap }),
    ...(device === undefined ? {} : { device }),
    ...(seed === undefined ? {} : { seed }),
    now: Date.now,
    signal: stop.signal,
    journal: ({ level, message }) => void process.stderr.write(`${level}: ${message}\n`),
    print: (line) => void process.stdout.write(`${line}\n`),
  });
  return 0;
}
