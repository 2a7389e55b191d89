import type { WeirError } from "../../../src/core/errors.js";
import { maybeGone } from "./answer.js";

/**
 * So many times in a row a device may not answer until it counts as gone. Where a fifth of all datagrams is lost each way, one
 * exchange in 170 fails though the device is there, two in a row do in 28,000.
 */
const MAX_FAULTS = 2;

/** What is known of a device by one of its reads. */
export interface Faults {
  answered(): void;
  /** It did not answer: whether it is worth asking again at once. */
  silent(why: WeirError): boolean;
}

export function createFaults(answered: () => void, lost: (why: WeirError) => void): Faults {
  let count = 0;
  return {
    answered() {
      count = 0;
      answered();
    },
    silent(why) {
      if (!maybeGone(why)) return false;
      count += 1;
      if (count >= MAX_FAULTS) lost(why);
      return count < MAX_FAULTS;
    },
  };
}
