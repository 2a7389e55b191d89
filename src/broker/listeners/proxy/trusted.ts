import { BlockList } from "node:net";
import { parseRange } from "../../../core/ip.js";

/** Whether a plain address is one of these ranges. */
export function inRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of ranges) {
    const range = parseRange(text);
    if (range !== undefined) list.addSubnet(range.address, range.bits, range.family);
  }
  return (address) => list.check(address, address.includes(":") ? "ipv6" : "ipv4");
}
