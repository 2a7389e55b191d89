const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Resolves with the first signal that asks the process to end. A second one ends it at once, as if none were handled. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const heard = (signal: NodeJS.Signals): void => {
      // Of all of them: the second one may be another one.
      for (const one of SIGNALS) process.off(one, heard);
      resolve(signal);
    };
    for (const one of SIGNALS) process.on(one, heard);
  });
}
