import { messageOf, WeirError } from "../../src/core/errors.js";
import { type Place, placeName, sameForm } from "./config.js";

/** A serial port that is plugged in. What the system does not know is left out. */
export interface PortDescription {
  /** What `address` takes: `/dev/ttyUSB0`. */
  readonly path: string;
  /** The name under /dev/serial/by-id, which stays the same when ports are plugged in another order. */
  readonly byId?: string;
  readonly manufacturer?: string;
  /** Four hexadecimal digits, lower case. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
}

/** What serialport tells of a port. */
export interface RawPort {
  readonly path: string;
  readonly pnpId?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
}

export type ListRawPorts = () => Promise<readonly RawPort[]>;

/** More ports than any machine has: a list comes from the names that USB devices give themselves. */
const MAX_PORTS = 1024;
const LIST_TIMEOUT = 5_000;

/** Asks serialport, which asks udev. Loaded here and not before: the binding is native code. */
const listBySerialport: ListRawPorts = async () => {
  const { SerialPort } = await import("serialport");
  return SerialPort.list();
};

/**
 * The serial ports of this machine, by path. Throws PORT_FAILED where the system cannot list them
 * (on Linux serialport runs `udevadm`, which a container may lack).
 */
export async function listPorts(list: ListRawPorts = listBySerialport): Promise<readonly PortDescription[]> {
  let timeout: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timeout = setTimeout(() => reject(new Error(`no list came within ${LIST_TIMEOUT / 1000} s`)), LIST_TIMEOUT);
  });
  try {
    const raw = await Promise.race([list(), limit]);
    return raw
      .slice(0, MAX_PORTS)
      .map(describe)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    const reason = messageOf(error);
    const why = reason.includes("ENOENT")
      ? "udevadm is missing. Install it (Debian: package udev), or give the port's path as the address"
      : reason;
    throw new WeirError("PORT_FAILED", `the serial ports cannot be listed: ${why}`, { cause: error });
  } finally {
    clearTimeout(timeout);
  }
}

function describe(raw: RawPort): PortDescription {
  const { pnpId, manufacturer, vendorId, productId, serialNumber } = raw;
  return {
    path: printable(raw.path),
    ...(pnpId ? { byId: `/dev/serial/by-id/${printable(pnpId)}` } : {}),
    ...(manufacturer ? { manufacturer: printable(manufacturer) } : {}),
    ...(vendorId ? { vendorId: sameForm(printable(vendorId)) } : {}),
    ...(productId ? { productId: sameForm(printable(productId)) } : {}),
    ...(serialNumber ? { serialNumber: printable(serialNumber) } : {}),
  };
}

/** A USB device chooses its own names: no control characters of its reach a terminal, and not more than a line. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?").slice(0, 256);
}

/** The path of the one port that a place means. Pure. Throws PORT_NOT_FOUND, with the candidates, for none or several. */
export function choosePort(place: Place, ports: readonly PortDescription[]): string {
  if ("path" in place) return place.path;
  const matches = ports.filter(
    (port) =>
      port.vendorId === place.vendorId &&
      port.productId === place.productId &&
      (place.serialNumber === undefined || port.serialNumber === place.serialNumber),
  );
  const [only, ...others] = matches;
  if (only !== undefined && others.length === 0) return only.path;
  if (only === undefined) {
    const usb = ports.filter((port) => port.vendorId !== undefined);
    const there = usb.length === 0 ? "no USB serial port is plugged in" : `plugged in: ${usb.map(inWords).join(", ")}`;
    throw new WeirError("PORT_NOT_FOUND", `no serial port is ${placeName(place)}; ${there}`);
  }
  const tell = "add serialNumber to the address, or use a path below /dev/serial";
  throw new WeirError(
    "PORT_NOT_FOUND",
    `several ports are ${placeName(place)} (${matches.map(inWords).join(", ")}): ${tell}`,
  );
}

function inWords(port: PortDescription): string {
  const numbers = [port.vendorId, port.productId, port.serialNumber].filter((part) => part !== undefined);
  return `${port.path} (${numbers.join(":")})`;
}

/** As `choosePort`, looking at the machine only where the place is no path. */
export async function findPort(place: Place, list?: ListRawPorts): Promise<string> {
  return "path" in place ? place.path : choosePort(place, await listPorts(list));
}
