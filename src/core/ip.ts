import { isIPv4, isIPv6 } from "node:net";

/** An address and how many of its bits count; a single address counts whole. */
export interface IpRange {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads `10.0.0.5`, `10.0.0.0/8` or `fd00::/8`; undefined if it is neither. */
export function parseRange(text: string): IpRange | undefined {
  const match = /^([0-9a-f.:]{2,45})(?:\/(\d{1,3}))?$/i.exec(text);
  const address = match?.[1] ?? "";
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  if (family === undefined) return undefined;
  const most = family === "ipv4" ? 32 : 128;
  const bits = match?.[2] === undefined ? most : Number(match[2]);
  return bits > most ? undefined : { address, bits, family };
}

export function isRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

/** An IPv4 address that a dual-stack socket shows as IPv6 (RFC 4291 2.5.5.2) in its own form; any other as it is. */
export function plainAddress(address: string): string {
  const match = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return match?.[1] ?? address;
}

/** Whether only this machine can have it; of a plain address. */
export function isLoopback(address: string): boolean {
  return address === "::1" || (address.startsWith("127.") && isIPv4(address));
}

/**
 * What counts as one sender: an IPv4 address, or an IPv6 /64, of which every host can take as many addresses as it likes
 * (RFC 4291 2.5.4). Of a plain address.
 */
export function senderOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // An IPv4 address at the end stands for two groups.
  const length = before.length + after.length + (address.includes(".") ? 1 : 0);
  const gap = tail === undefined ? 0 : 8 - length;
  const groups = [...before, ...Array<string>(Math.max(0, gap)).fill("0"), ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
