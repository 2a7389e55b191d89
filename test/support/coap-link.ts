import type { TestContext } from "node:test";
import { address, settings } from "../../adapters/coap/config.js";
import { coap } from "../../adapters/coap/index.js";
import type { Session } from "../../src/core/adapter.js";
import type { Action } from "../../src/core/command.js";
import type { Entry } from "../../src/core/journal.js";
import type { Reading, Scalar } from "../../src/core/reading.js";
import { superviseLink } from "../../src/link/index.js";
import { parseProfile } from "../../src/profile/index.js";

export interface LinkedDevice {
  readonly id: string;
  /** As a configuration spells it. */
  readonly address?: unknown;
  /** YAML. */
  readonly profile?: string;
}

export interface CoapLink {
  readonly readings: Reading[];
  readonly entries: Entry[];
  /** Each state that the link came to. */
  readonly states: string[];
  session(): Session | undefined;
  execute(
    device: string,
    resource: string,
    action: Action,
    value?: Scalar,
    patience?: number,
  ): Promise<Scalar | undefined>;
  /** What becomes of readings: taken if left out. */
  sink: (readings: readonly Reading[]) => Promise<void>;
  close(): Promise<void>;
}

/** The links of some CoAP devices through the adapter's own schemas and check, supervised as in a gateway. Ended with the test. */
export function linkDevices(t: TestContext, given: unknown, devices: readonly LinkedDevice[]): CoapLink {
  const made = devices.map(({ id, address: where, profile }) => ({
    id,
    address: address.parse(where),
    profile: profile === undefined ? undefined : parseProfile(profile, { file: `${id}.yaml`, name: id }),
  }));
  const parsed = settings.parse(given);
  const problems = coap.check(parsed, made).filter(({ level }) => level !== "warning");
  if (problems.length > 0)
    throw new Error(problems.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
  const stopping = new AbortController();
  const link: CoapLink = {
    readings: [],
    entries: [],
    states: [],
    sink: async () => {},
    session: () => supervised.map((one) => one.session()).find((session) => session !== undefined),
    execute: async (device, resource, action, value, patience = 10_000) => {
      const session = link.session();
      if (session === undefined) throw new Error("the link is not open");
      const command = { id: "1", device, resource, action, deadline: Date.now() + patience };
      return session.execute(value === undefined ? command : { ...command, value });
    },
    close: async () => {
      stopping.abort();
      await Promise.all(supervised.map((one) => one.close()));
    },
  };
  const supervised = coap.links(parsed, made).map((one) =>
    superviseLink(one, {
      sink: async (readings) => {
        await link.sink(readings);
        link.readings.push(...readings);
      },
      journal: (entry) => link.entries.push(entry),
      now: Date.now,
      signal: stopping.signal,
      // The shortest pause: a test does not wait for nothing.
      random: () => 0,
      onState: ({ kind }) => link.states.push(kind),
    }),
  );
  t.after(() => link.close());
  return link;
}
