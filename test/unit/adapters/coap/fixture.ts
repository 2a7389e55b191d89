import type { TestContext } from "node:test";
import type { Settings } from "../../../../adapters/coap/config.js";
import { openSession } from "../../../../adapters/coap/posted/session.js";
import type { Device } from "../../../../adapters/coap/posted/targets.js";
import type { Entry } from "../../../../src/core/journal.js";
import type { Reading, ReadingSink } from "../../../../src/core/reading.js";
import type { Profile, Resource } from "../../../../src/profile/index.js";
import { type Answer, connect, type Post } from "./client.js";

/** What the clock of every test says, in ms. */
export const NOW = 1_763_890_000_123;

export function device(id: string, resources?: Record<string, Resource>, path?: string): Device {
  const profile: Profile | undefined =
    resources === undefined
      ? undefined
      : {
          name: "test/test",
          vendor: "test",
          model: "test",
          resources: new Map(Object.entries(resources)),
          samples: [],
        };
  return { id, profile, address: { path: path?.split("/"), identity: undefined, server: undefined } };
}

export interface Bench {
  ask(post: Post): Promise<Answer>;
  /** What the sink was given, one list a request. */
  readonly taken: (readonly Reading[])[];
  readonly entries: Entry[];
  readonly port: number;
}

/** A session on a port of its own, and a client for it. Both end with the test. */
export async function open(
  context: TestContext,
  devices: readonly Device[],
  options: { sink?: ReadingSink; maxPayload?: number } = {},
): Promise<Bench> {
  const taken: (readonly Reading[])[] = [];
  const entries: Entry[] = [];
  const sink: ReadingSink = async (readings) => {
    await options.sink?.(readings);
    taken.push(readings);
  };
  const settings: Settings = {
    listen: ["udp://127.0.0.1:0"],
    maxPayload: options.maxPayload ?? 65_536,
    maxPending: 16,
    dtls: undefined,
    echo: "amplification",
    multicast: false,
  };
  const session = await openSession(settings, devices, {
    sink,
    journal: (entry) => entries.push(entry),
    now: () => NOW,
    signal: new AbortController().signal,
  });
  const port = session.listeners[0]?.local.port ?? 0;
  const client = await connect(port);
  context.after(async () => {
    client.close();
    await session.close();
  });
  return { ask: (post) => client.ask(post), taken, entries, port };
}
