import type { Journal } from "./core/journal.js";
import type { Plan } from "./plan.js";
import type { Simulated } from "./simulator/index.js";

export interface SimulatedDevices {
  /** What replaces the addresses of the configuration, as a configuration spells them. By device. */
  readonly addresses: ReadonlyMap<string, string>;
  start(): void;
  close(): Promise<void>;
}

/** Makes what the devices with `simulate: true` need. They play once `start` is called: then their adapters are there. */
export async function simulateDevices(plan: Plan, journal: Journal, now: () => number): Promise<SimulatedDevices> {
  const devices = plan.config.devices.filter((device) => device.simulate);
  const made: Simulated[] = [];
  const addresses = new Map<string, string>();
  const close = async (): Promise<void> => {
    await Promise.all(made.map((device) => device.close()));
  };
  if (devices.length === 0) return { addresses, start: () => {}, close };
  // A gateway of real devices never loads it.
  const { simulateDevice } = await import("./simulator/index.js");
  try {
    for (const { id, adapter, address } of devices) {
      const device = { id, adapter, address, profile: plan.profiles.get(id) };
      const simulated = await simulateDevice(device, { journal, now, mockPorts: plan.simulatedPorts });
      made.push(simulated);
      if (simulated.address !== undefined) addresses.set(id, simulated.address);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addresses,
    start: () => made.forEach((device) => void device.start({ coapTarget: plan.coapTarget })),
    close,
  };
}
