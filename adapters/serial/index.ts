import {
  type AdapterDevice,
  type AdapterModule,
  defineAdapter,
  type Link,
  type Problem,
} from "../../src/core/adapter.js";
import { WeirError } from "../../src/core/errors.js";
import { type Profile, type SerialCodec, type SerialLine, serialCodec } from "../../src/profile/index.js";
import { type Address, address, placeName, type Settings, settings } from "./config.js";
import { findPort, type ListRawPorts } from "./find.js";
import { type OpenPort, openSystemPort } from "./port.js";
import { openSession } from "./session.js";

export { type ListRawPorts, listPorts, type PortDescription, type RawPort } from "./find.js";
export { type FarDevice, type FarSide, mockPorts } from "./mock.js";
export { type OpenPort, openSystemPort, type Port, type PortEvents } from "./port.js";

type Device = AdapterDevice<Address, Profile>;

export interface SerialParts {
  /** How a port is opened: `openSystemPort` unless given. */
  readonly openPort?: OpenPort;
  /** What is plugged in, for addresses by USB numbers: asks udev unless given. */
  readonly list?: ListRawPorts;
}

/** The adapter, over other ports than this machine's where `parts` says so. */
export function serialAdapter(parts: SerialParts = {}): AdapterModule<Profile> {
  return defineAdapter<Profile, Settings, Address>({
    name: "serial",
    settings,
    address,
    check: (_settings, devices) => check(devices),
    links: (_settings, devices) => devices.map((device) => linkOf(device, parts)),
  });
}

/** The serial ports of this machine. */
export const serial: AdapterModule<Profile> = serialAdapter();

function check(devices: readonly Device[]): Problem[] {
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  for (const { id, profile, address: where } of devices) {
    if (profile === undefined) {
      problems.push({
        device: id,
        path: ["profile"],
        message: "a serial device needs a profile: it says what the bytes mean",
      });
    } else if (profile.serial === undefined) {
      const message = `profile ${profile.name} has no serial section: it cannot say what comes over a serial line`;
      problems.push({ device: id, path: ["profile"], message });
    } else if (where.pollEvery !== undefined && profile.serial.polls.length === 0) {
      const message = `profile ${profile.name} has no polls, so that nothing is asked: remove it`;
      problems.push({ device: id, path: ["address", "pollEvery"], message });
    }
    const name = placeName(where.place);
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, id);
    else
      problems.push({
        device: id,
        path: ["address"],
        message: `${name} belongs to device ${owner}: one port, one device`,
      });
  }
  return problems;
}

function linkOf(device: Device, parts: SerialParts): Link {
  const { id, profile, address: where } = device;
  if (profile === undefined) throw new WeirError("PROFILE_INVALID", `device ${id} has no profile`);
  const codec = paced(serialCodec(profile), where.pollEvery);
  const line = lineOf(codec.line, where.line);
  return {
    name: `serial:${placeName(where.place)}`,
    devices: [id],
    impliesOnline: true,
    acknowledges: false,
    adapter: {
      open: async (context) => {
        // Looked for at every open: a device that was plugged in again may have another path.
        const path = await findPort(where.place, parts.list);
        const openPort = parts.openPort ?? openSystemPort;
        return openSession({ device: id, profile, codec, path, line, idle: where.idle, openPort }, context);
      },
    },
  };
}

/** The codec with another interval of its polls, in ms. */
function paced(codec: SerialCodec, every: number | undefined): SerialCodec {
  return every === undefined ? codec : { ...codec, polls: codec.polls.map((poll) => ({ ...poll, every })) };
}

function lineOf(profile: SerialLine, own: Address["line"]): SerialLine {
  return {
    baudRate: own.baudRate ?? profile.baudRate,
    dataBits: own.dataBits ?? profile.dataBits,
    parity: own.parity ?? profile.parity,
    stopBits: own.stopBits ?? profile.stopBits,
  };
}
