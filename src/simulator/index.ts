/** Devices played from their profiles, over real serial bytes and real sockets. */
export { type PlayOptions, play } from "./command.js";
export type { FarDevice, FarSide } from "./mock.js";
export { simulationProblem } from "./problem.js";
export {
  type MockPorts,
  type Simulated,
  type SimulatedDevice,
  type SimulationParts,
  type StartOptions,
  simulateDevice,
} from "./simulate.js";
export { type LiveTable, type LiveTableOptions, liveTable, type Screen } from "./table.js";
