import type { Scalar } from "../../src/core/reading.js";
import type { Target, Targets } from "./targets.js";

/** One value as it was posted, before a profile has looked at it. */
export interface Posted {
  readonly resource: string;
  readonly value: Scalar;
  /** ms since the Unix epoch; undefined: when it came in. */
  readonly time: number | undefined;
  readonly unit: string | undefined;
  /** It came as text without a type: 21.5 may be a number or a name. */
  readonly untyped: boolean;
}

export interface PayloadContext {
  readonly target: Target;
  readonly targets: Targets;
  /** ms since the Unix epoch. */
  readonly now: number;
  /** Bytes and values. */
  readonly maxBytes: number;
  readonly maxValues: number;
}
