/** What a resource can hold. Bytes are opaque to Weir. */
export type Scalar = number | boolean | string | Uint8Array;

export type Quality = "good" | "uncertain" | "bad";

/** One value of one resource at one time. */
export interface Reading {
  readonly device: string;
  readonly resource: string;
  readonly value: Scalar;
  /** When it was measured, in ms since the Unix epoch. */
  readonly time: number;
  readonly quality: Quality;
  /** The unit as the profile or the sender names it (SenML names where there is one, RFC 8428 12.1). */
  readonly unit?: string;
}

/**
 * Takes the readings of one frame or one request. Resolves once they may be acknowledged to the device:
 * durable if an outbox wants them. Rejects with a WeirError when they were refused (`OUTBOX_FULL`).
 */
export type ReadingSink = (readings: readonly Reading[]) => Promise<void>;
