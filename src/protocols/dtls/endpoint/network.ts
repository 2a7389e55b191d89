/** What one party has at least: an address of IPv4, or a network of 2^64 addresses of IPv6 (RFC 6177). */
export function networkOf(address: string): string {
  // IPv4 within IPv6 is written with dots.
  if (!address.includes(":") || address.includes(".")) return address;
  const [front = "", back] = address.replace(/%.*$/, "").split("::");
  const [before, after] = [groupsOf(front), groupsOf(back ?? "")];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`;
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}
