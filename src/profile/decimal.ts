/**
 * Arithmetic whose results look the way a person would write them: 6 * 0.1 is 0.6, not 0.6000000000000001.
 * A product has as many decimals as its factors together, a sum as many as the longer part; the binary result is rounded
 * to that many. Doubles carry 15 digits, so nothing is lost that was there.
 */

/** toFixed's own bound. */
const MAX_DECIMALS = 100;

/** How many decimals the shortest decimal text of a number has: 2 for 0.25, 0 for 12. */
export function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const fraction = mantissa.split(".")[1]?.length ?? 0;
  return Math.min(MAX_DECIMALS, Math.max(0, fraction - Number(exponent)));
}

/** To so many decimals, and never -0. */
export function roundTo(value: number, decimals: number): number {
  const rounded = Number(value.toFixed(decimals));
  return rounded === 0 ? 0 : rounded;
}

/** raw * scale + offset. */
export function linear(raw: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return raw;
  const decimals = Math.max(decimalsOf(raw) + decimalsOf(scale), decimalsOf(offset));
  return roundTo(raw * scale + offset, Math.min(MAX_DECIMALS, decimals));
}

/** The raw number of a value. Not rounded to what a message can carry, but freed of binary noise. */
export function inverse(value: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return value;
  const raw = (value - offset) / scale;
  return Number.isFinite(raw) ? Number(raw.toPrecision(15)) : raw;
}

/** The shortest decimal that is nearest to the same 32-bit float: 0.6, not 0.6000000238418579. */
export function shortestFloat32(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits <= 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter === 0 ? 0 : shorter;
  }
  return value;
}

/** Digits of minutes that a position carries at least: 7 decimals of a degree are about 1 cm. */
const LEAST_DEGREE_DECIMALS = 7;

/** Degrees of an NMEA 0183 angle (dddmm.mmmm), or undefined where it has 60 minutes or more. */
export function fromDdmm(angle: number): number | undefined {
  const size = Math.abs(angle);
  const whole = Math.floor(size / 100);
  const minutes = size - whole * 100;
  if (minutes >= 60 || whole > 180) return undefined;
  const decimals = Math.min(MAX_DECIMALS, Math.max(LEAST_DEGREE_DECIMALS, decimalsOf(size) + 2));
  return roundTo(Math.sign(angle) * (whole + minutes / 60), decimals);
}

/** The NMEA 0183 angle of degrees, with so many decimals of a minute. */
export function toDdmm(degrees: number, decimals: number): number {
  const size = Math.abs(degrees);
  let whole = Math.floor(size);
  let minutes = roundTo((size - whole) * 60, decimals);
  if (minutes >= 60) {
    whole += 1;
    minutes = 0;
  }
  return roundTo(Math.sign(degrees) * (whole * 100 + minutes), decimals);
}
