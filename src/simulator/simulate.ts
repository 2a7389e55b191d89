import { messageOf, WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import { type CoapServerSimulation, type Profile, type Simulation, simulation } from "../profile/index.js";
import { playCoap } from "./coap.js";
import { serveCoapDevice } from "./coap-server.js";
import type { ByteLine } from "./line.js";
import { type FarDevice, mockLine } from "./mock.js";
import { simulationProblem } from "./problem.js";
import { available, openPty } from "./pty.js";
import { playSerial } from "./serial.js";

/** A device of the configuration with `simulate: true`. */
export interface SimulatedDevice {
  readonly id: string;
  readonly adapter: string;
  readonly profile: Profile | undefined;
  /** A device that posts may have its path here. */
  readonly address?: unknown;
  /** Left out: made from the id, so that two devices of one profile differ and a restart does not change them. */
  readonly seed?: number;
}

export interface SimulationParts {
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** The serial adapter's mock ports by path, for machines without socat: devices are added and removed here. */
  readonly mockPorts?: MockPorts;
  /** Whether pseudo-terminals can be made: looks for socat unless given. */
  readonly hasPty?: boolean;
}

/** The part of a `Map` that is used: its values may be devices that can do less. */
export interface MockPorts {
  set(path: string, device: FarDevice): unknown;
  delete(path: string): unknown;
}

export interface StartOptions {
  /** Where the CoAP adapter listens: `coap://127.0.0.1:5683`. Devices of other transports do not need it. */
  readonly coapTarget?: string;
}

export interface Simulated {
  /** What replaces the device's address, spelled as in a configuration; undefined where it stays. */
  readonly address: string | undefined;
  /** Begins to play, once. A serial port is there before; a CoAP server must be. */
  start(options?: StartOptions): void;
  /** Never rejects. */
  close(): Promise<void>;
}

/**
 * Makes what a simulated device needs: a port that the gateway can open. It says nothing before `start`.
 * Rejects with PROFILE_INVALID (see `simulationProblem`) or PORT_FAILED.
 */
export async function simulateDevice(device: SimulatedDevice, parts: SimulationParts): Promise<Simulated> {
  const problem = simulationProblem(device);
  const { id, profile } = device;
  const played = profile && simulation(profile, device.seed ?? seedOf(id));
  if (problem !== undefined || profile === undefined || played === undefined) {
    throw new WeirError("PROFILE_INVALID", `${id} ${problem ?? "cannot be simulated"}`);
  }
  if (device.adapter === "serial") return simulateSerial(id, played, parts);
  if (played.coap !== undefined) return simulateCoapServer(id, played, played.coap, parts);
  return simulateCoap(device, profile, played, parts);
}

async function simulateSerial(id: string, played: Simulation, parts: SimulationParts): Promise<Simulated> {
  const { address, line, release } = await openLine(id, parts);
  const play = stage(id, parts.journal);
  return {
    address,
    start: () => play.start((signal) => playSerial({ ...parts, simulation: played, line, signal, at: id })),
    close: async () => {
      play.stop();
      // Before the play has ended: it may be waiting for a line that nobody reads.
      await line.close();
      release();
      await play.ended();
    },
  };
}

interface OpenLine {
  readonly address: string;
  readonly line: ByteLine;
  readonly release: () => void;
}

async function openLine(id: string, { journal, mockPorts, hasPty = available() }: SimulationParts): Promise<OpenLine> {
  if (hasPty) {
    const { devicePath, line } = await openPty({ journal, at: id });
    return { address: devicePath, line, release: () => {} };
  }
  if (mockPorts === undefined) {
    throw new WeirError("PORT_FAILED", `${id} cannot be simulated over a serial line: socat is not installed`);
  }
  const address = `mock:${id}`;
  const { line, far } = mockLine();
  mockPorts.set(address, far);
  return { address, line, release: () => void mockPorts.delete(address) };
}

/** A device that is asked: it answers as soon as it is made, and the gateway gets its address. */
async function simulateCoapServer(
  id: string,
  { every }: Simulation,
  device: CoapServerSimulation,
  { journal, now }: SimulationParts,
): Promise<Simulated> {
  const server = await serveCoapDevice({ device, every, now, journal, at: id });
  return { address: `coap://127.0.0.1:${server.port}`, start: () => {}, close: server.close };
}

function simulateCoap(
  device: SimulatedDevice,
  profile: Profile,
  played: Simulation,
  parts: SimulationParts,
): Simulated {
  const { id } = device;
  const play = stage(id, parts.journal);
  return {
    address: undefined,
    start: ({ coapTarget } = {}) => {
      if (coapTarget === undefined)
        throw new WeirError("COMMAND_INVALID", `${id} cannot post: no CoAP server was named`);
      const path = pathOf(device.address) ?? id;
      play.start((signal) =>
        playCoap({ ...parts, profile, simulation: played, path, target: coapTarget, signal, at: id }),
      );
    },
    close: async () => {
      play.stop();
      await play.ended();
    },
  };
}

/** The CoAP adapter's address, as a configuration has it or as the adapter's schema made it: a path, or an object with one. */
function pathOf(address: unknown): string | undefined {
  const path = typeof address === "object" && address !== null && "path" in address ? address.path : address;
  if (Array.isArray(path)) return path.join("/");
  return typeof path === "string" ? path : undefined;
}

/** One play from start to stop. What it fails with goes to the journal: the gateway runs on without that device. */
function stage(at: string, journal: Journal) {
  const controller = new AbortController();
  let play: Promise<void> | undefined;
  return {
    start: (run: (signal: AbortSignal) => Promise<void>): void => {
      play ??= run(controller.signal).catch((error: unknown) => {
        const message = `the simulated device stopped: ${messageOf(error)}`;
        journal({ level: "error", event: "simulator_failed", at, message });
      });
    },
    stop: () => controller.abort(),
    ended: async () => play,
  };
}

/** A number of 32 bits from a name (FNV-1a, draft-eastlake-fnv): the same for the same name on every machine. */
export function seedOf(name: string): number {
  return Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
