import { setImmediate as turn } from "node:timers/promises";
import type { ReadContext } from "../../../../../adapters/coap/asked/read-context.js";
import { WeirError } from "../../../../../src/core/errors.js";
import type { Entry } from "../../../../../src/core/journal.js";
import type { CoapRead } from "../../../../../src/profile/index.js";
import type { CoapError, IncomingResponse, ObservationListener } from "../../../../../src/protocols/coap/index.js";

type MockTimers = { mock: { timers: { enable(options: { apis: ["setTimeout"] }): void; tick(ms: number): void } } };

export function read(text: string, how: CoapRead["how"], every: number): CoapRead {
  const resources = new Set(["x"]);
  return { text, path: [text.slice(1)], query: [], how, every, accept: undefined, resources, decode: () => [] };
}

export function answer(code: IncomingResponse["code"] = "2.05", text = "1", maxAge = 60): IncomingResponse {
  const peer = { id: "p", address: "127.0.0.1", port: 5683 };
  return { peer, code, contentFormat: 0, maxAge, payload: Buffer.from(text), options: [] };
}

export const SILENT = new WeirError("DEVICE_NO_ANSWER", "it is silent");

/** A device of which the test says what it does, and a time that passes when it is told to. */
export function createWorld(t: MockTimers) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let time = 0;
  const log: string[] = [];
  const entries: Entry[] = [];
  const listeners: ObservationListener[] = [];
  const world = {
    log,
    entries,
    listeners,
    cancelled: 0,
    chance: 0,
    ask: (): Promise<IncomingResponse> => Promise.resolve(answer()),
    reach: (): Promise<void> => Promise.resolve(),
    take: (): Promise<void> => Promise.resolve(),
    lost: undefined as WeirError | undefined,
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        time += 100;
        t.mock.timers.tick(100);
        await turn();
      }
    },
  };
  const context: ReadContext = {
    device: "air",
    journal: (entry) => entries.push(entry),
    ticks: () => time,
    random: () => world.chance,
    ask: ({ text }) => {
      log.push(`${time} ask ${text}`);
      return world.ask();
    },
    observe: async ({ text }, listener) => {
      await world.reach();
      log.push(`${time} observe ${text}`);
      listeners.push(listener);
      return {
        cancel: async () => {
          world.cancelled++;
        },
      };
    },
    explain: (_read, error: CoapError) =>
      error.code === "TIMEOUT" || error.code === "GONE" ? SILENT : new WeirError("COMMAND_FAILED", error.message),
    take: (_read, { payload }) => {
      log.push(`${time} take ${Buffer.from(payload).toString()}`);
      return world.take();
    },
    answered: () => log.push(`${time} answered`),
    lost: (why) => {
      world.lost = why;
    },
  };
  return { world, context };
}
