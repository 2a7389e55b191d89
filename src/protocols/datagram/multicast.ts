import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv4, isIPv6 } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";

/** Which groups a socket belongs to, and where. */
export interface MulticastOptions {
  /** Addresses of groups. Those of a family that the socket does not speak are left out. */
  readonly groups: readonly string[];
  /**
   * Names of this machine's interfaces, or all of them that lead to others. Those that come up later are not joined. What is sent
   * to an IPv4 group leaves by the first one, to an IPv6 group by the one in its address: `ff02::fd%eth0`.
   */
  readonly interfaces: true | readonly string[];
}

/** A group that is joined on one interface. */
interface Membership {
  readonly group: string;
  /** The interface, as the system wants it named: by its address for IPv4, `::%eth0` for IPv6. */
  readonly via: string;
  /** Where its datagrams arrive. */
  readonly bind: string;
}

/**
 * Node does not tell to which address a datagram was sent, and a socket that hears the group and one's own address hears both
 * alike. So each group has a socket of its own, on the same port, and what arrives there was sent to the group. `unicast` answers.
 * Rejects with the error of node:dgram, or one that names an interface that is not there.
 */
export async function joinGroups(
  unicast: Socket,
  options: MulticastOptions,
  hear: (bytes: Uint8Array, address: string, port: number) => void,
): Promise<Socket[]> {
  const { address, port } = unicast.address();
  const memberships = membershipsOf(options, interfacesOf(options.interfaces), address);
  const sockets = new Map<string, Socket>();
  try {
    for (const { group, via, bind } of memberships) {
      let socket = sockets.get(bind);
      if (socket === undefined) {
        socket = createSocket({ type: isIPv4(group) ? "udp4" : "udp6", reuseAddr: true });
        sockets.set(bind, socket);
        // A dual-stack socket knows peers of IPv4 by mapped addresses only (RFC 4291 2.5.5.2), and it is the one that answers.
        const prefix = isIPv4(group) && isIPv6(address) ? "::ffff:" : "";
        socket.on("message", (bytes, from) => hear(bytes, prefix + from.address, from.port));
        socket.bind(port, bind);
        await once(socket, "listening");
        // Reported where the datagrams of this port are: one that cannot be read is lost.
        socket.on("error", () => {});
      }
      socket.addMembership(group, via);
      if (isWildcard(address)) deafen(unicast, group, via);
    }
    const first = memberships.find(({ group }) => isIPv4(group));
    if (first !== undefined && isIPv4(address)) unicast.setMulticastInterface(first.via);
  } catch (error) {
    for (const socket of sockets.values()) socket.close();
    throw error;
  }
  return [...sockets.values()];
}

/** Whether a socket there hears of all addresses, those of groups included. */
export function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * Linux gives what a group gets to each socket of the port that is bound to no address, whether it joined or not
 * (IP_MULTICAST_ALL in ip(7)). It no longer does to one that joined for one source only, which here is one that sends nothing:
 * of a network for documentation (RFC 5737), and of the discard prefix (RFC 6666).
 */
function deafen(socket: Socket, group: string, via: string): void {
  socket.addSourceSpecificMembership(isIPv4(group) ? "192.0.2.0" : "100::", group, via);
}

function membershipsOf(
  { groups }: MulticastOptions,
  interfaces: ReadonlyMap<string, readonly NetworkInterfaceInfo[]>,
  address: string,
): Membership[] {
  // A socket on :: hears IPv4 as well (dual stack); one on any other address hears its own family.
  const families = address === "::" ? ["IPv4", "IPv6"] : [isIPv4(address) ? "IPv4" : "IPv6"];
  const memberships: Membership[] = [];
  for (const group of groups) {
    const family = isIPv4(group) ? "IPv4" : "IPv6";
    if (!families.includes(family)) continue;
    for (const [name, addresses] of interfaces) {
      const own = addresses.find((one) => one.family === family);
      if (own === undefined) continue;
      const via = family === "IPv4" ? own.address : `::%${name}`;
      // An address of link-local scope means another group on each link (RFC 4007 6).
      memberships.push({ group, via, bind: isLinkLocal(group) ? `${group}%${name}` : group });
    }
  }
  return memberships;
}

/** RFC 4291 2.7: scope 2. */
function isLinkLocal(group: string): boolean {
  return /^ff[0-9a-f]2:/i.test(group);
}

function interfacesOf(chosen: true | readonly string[]): ReadonlyMap<string, readonly NetworkInterfaceInfo[]> {
  const found = new Map(Object.entries(networkInterfaces()).map(([name, infos]) => [name, infos ?? []] as const));
  if (chosen === true) return new Map([...found].filter(([, infos]) => infos.some(({ internal }) => !internal)));
  const missing = chosen.filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new Error(`no interface ${missing.join(", ")}: there are ${[...found.keys()].join(", ")}`);
  return new Map(chosen.map((name) => [name, found.get(name) ?? []]));
}
