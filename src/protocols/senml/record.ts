/** What one record can carry: `v`, `vb`, `vs` or `vd` (RFC 8428 4.2). */
export type SenmlValue = number | boolean | string | Uint8Array;

/** One measurement with its full name: nothing of it is said by a base field any more (RFC 8428 4.6). */
export interface SenmlRecord {
  /** Base name and name together: `urn:dev:ow:10e2073a01080063:temp`. */
  readonly name: string;
  /** A symbol of the SenML units registry: `Cel`, `%RH`. */
  readonly unit?: string;
  /** Left out only where there is a `sum`. */
  readonly value?: SenmlValue;
  /** The value integrated over time, in unit seconds. */
  readonly sum?: number;
  /** When it was measured, in ms since the Unix epoch. Left out when encoding: the receiver takes the time it comes in. */
  readonly time?: number;
  /** A newer value comes within so many ms. */
  readonly updateTime?: number;
}

/** A record that was decoded: its time is always known, for what carries none was measured now (RFC 8428 4.5.3). */
export interface ResolvedRecord extends SenmlRecord {
  readonly time: number;
}

/** The pack is not SenML, or cannot be written as SenML. The message says which record and why. */
export class SenmlError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SenmlError";
  }
}

/** CoAP Content-Formats (RFC 8428 12.4). */
export const SENML_JSON = 110;
export const SENML_CBOR = 112;

/** The newest version this reads, and the one a pack without `bver` has (RFC 8428 4.4). */
export const SENML_VERSION = 10;

/** Times below it are relative to now, in seconds (RFC 8428 4.5.3). */
export const RELATIVE_BELOW = 2 ** 28;

/** RFC 8428 sets no bound; a base name that is repeated in each of a thousand records needs one. In characters. */
export const MAX_NAME = 255;

/** The labels of RFC 8428 4.3 and the integer that each has in CBOR. Closed: extensions have text labels (6). */
export const CBOR_LABELS = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
} as const;

export type Label = keyof typeof CBOR_LABELS;

/** Why a full name is none (RFC 8428 4.5.1), or undefined. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "has no name";
  if (name.length > MAX_NAME) return `has a name longer than ${MAX_NAME} characters`;
  if (!/^[A-Za-z0-9][A-Za-z0-9:./_-]*$/.test(name)) {
    return `is named ${JSON.stringify(name.slice(0, 64))}: a name has only A-Z a-z 0-9 - : . / _ and begins with a letter or digit`;
  }
  return undefined;
}
