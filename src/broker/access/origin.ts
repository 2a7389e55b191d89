import { isIPv4, isIPv6 } from "node:net";

/**
 * Whom failures and crowds are counted for. An IPv6 customer has a /64 at least (RFC 6177 and what providers do), so that
 * single addresses of it would count for nothing.
 */
export function originOf(address: string | undefined): string {
  if (address === undefined) return "unix";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(address)) return address;
  const [bare = ""] = address.split("%");
  const [head = "", tail] = bare.split("::");
  const front = head === "" ? [] : head.split(":");
  // The groups that `::` stands for. A dotted tail counts for two, and is never among the first four here.
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const width = back.length + (back.at(-1)?.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - width) }, () => "0");
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
