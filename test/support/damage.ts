import type { Random } from "./random.js";

/** The same datagram as a hostile or a broken sender would have it: bits turned over, bytes changed, cut, repeated, replaced. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.between(0, Math.max(0, copy.length - 1));
  switch (random.between(0, 6)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random.between(0, 7));
      return copy;
    case 1:
      for (let count = random.between(1, 6); count > 0; count--)
        copy[random.between(0, Math.max(0, copy.length - 1))] = random.between(0, 255);
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return new Uint8Array(Buffer.concat([copy, copy.subarray(at)]));
    case 4: // a part of it is gone
      return new Uint8Array(Buffer.concat([copy.subarray(0, at), copy.subarray(at + random.between(1, 8))]));
    case 5: // lengths and counts are extreme values as often as not
      copy[at] = random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]);
      return copy;
    default:
      return Uint8Array.from({ length: random.between(0, 120) }, () => random.between(0, 255));
  }
}
