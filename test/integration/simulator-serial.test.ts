import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createAdapters, type FarDevice } from "../../adapters/index.js";
import type { Link, Session } from "../../src/core/adapter.js";
import type { Entry } from "../../src/core/journal.js";
import type { Reading, Scalar } from "../../src/core/reading.js";
import {
  bundledFolder,
  listProfiles,
  loadProfile,
  type Profile,
  serialCodec,
  simulation,
} from "../../src/profile/index.js";
import { type SimulationParts, seedOf, simulateDevice } from "../../src/simulator/simulate.js";
import { eventually } from "../support/eventually.js";
import { needs } from "../support/peers.js";

/** Time stands still, so that a second simulation of the same seed says what the first one measured. */
const NOW = 1_763_890_000_000;
const DEVICE = "simulated";

const names = listProfiles([bundledFolder]).map(({ name }) => name);

/** What a device of this seed says without a command: its frames and its answers to polls. */
function saidUnasked(profile: Profile): Map<string, Scalar> {
  const codec = serialCodec(profile);
  const device = simulation(profile, seedOf(DEVICE)) ?? assert.fail("no simulate section");
  const framer = codec.framer();
  const said = [...device.frames(NOW), ...codec.polls.flatMap(({ request }) => device.answer(request, NOW) ?? [])];
  const values = new Map<string, Scalar>();
  for (const output of [...said.flatMap((bytes) => framer.push(bytes, 0)), ...framer.end()]) {
    assert.equal(output.kind, "frame");
    if (output.kind !== "frame") continue;
    const decoded = codec.decode(output.bytes);
    assert.equal(decoded.kind, "values");
    if (decoded.kind !== "values") continue;
    for (const { resource, value } of decoded.values) if (!values.has(resource)) values.set(resource, value);
  }
  return values;
}

interface Played {
  readonly readings: Map<string, Scalar>;
  readonly entries: Entry[];
  readonly session: Session;
}

/** Plays the profile to the real serial adapter, over a port that was open before the device began to speak. */
async function played(t: TestContext, profile: Profile, hasPty: boolean): Promise<Played> {
  const entries: Entry[] = [];
  const readings = new Map<string, Scalar>();
  const mockPorts = new Map<string, FarDevice>();
  const journal = (entry: Entry): void => void entries.push(entry);
  const parts: SimulationParts = { journal, now: () => NOW, mockPorts, hasPty };
  const simulated = await simulateDevice({ id: DEVICE, adapter: "serial", profile }, parts);
  t.after(() => simulated.close());
  const link = linkTo(profile, simulated.address, mockPorts);
  const sink = async (batch: readonly Reading[]): Promise<void> => {
    for (const { resource, value } of batch) if (!readings.has(resource)) readings.set(resource, value);
  };
  const { signal } = new AbortController();
  const session = await link.adapter.open({ sink, journal, now: () => NOW, signal });
  t.after(() => session.close());
  simulated.start();
  return { readings, entries, session };
}

function linkTo(profile: Profile, address: string | undefined, mockPorts: Map<string, FarDevice>): Link {
  const serial = createAdapters(mockPorts).find(({ name }) => name === "serial") ?? assert.fail("no serial adapter");
  const device = { id: DEVICE, address: serial.address.parse(address), profile };
  assert.deepEqual(serial.check(serial.settings.parse({}), [device]), []);
  return serial.links(serial.settings.parse({}), [device])[0] ?? assert.fail("no link");
}

/** What was discarded, unmatched, undecodable, dropped or not answered. */
function complaints(entries: readonly Entry[]): string[] {
  return entries.filter(({ event }) => event.startsWith("serial_")).map(({ event, message }) => `${event}: ${message}`);
}

for (const [wire, hasPty] of [
  ["mock port", false],
  ["pseudo-terminal", true],
] as const) {
  for (const name of names) {
    test(`${name} plays over a ${wire} without one lost byte`, hasPty ? needs("socat") : {}, async (t) => {
      const profile = loadProfile(name, [bundledFolder]);
      // Not every device is a serial one, and a profile need not play it.
      if (profile.serial === undefined || profile.simulate === undefined) return;
      const expected = saidUnasked(profile);
      assert.ok(expected.size > 0);
      const { readings, entries, session } = await played(t, profile, hasPty);
      await eventually(() => readings.size >= expected.size || complaints(entries).length > 0, "all values arrived");
      assert.deepEqual(complaints(entries), []);
      assert.deepEqual(new Map([...readings].sort()), new Map([...expected].sort()));

      for (const { command: resource, value } of profile.samples) {
        if (resource === undefined) continue;
        const action = profile.resources.get(resource)?.access === "E" ? "execute" : "write";
        const deadline = NOW + 10_000;
        const command = { id: "1", device: DEVICE, resource, action, deadline } as const;
        const answer = await session.execute(value === undefined ? command : { ...command, value });
        if (answer !== undefined) assert.equal(answer, value);
      }
      assert.deepEqual(complaints(entries), []);
    });
  }
}

test("what cannot be simulated says why", async () => {
  const profile = loadProfile("plantower/pms5003", [bundledFolder]);
  const parts: SimulationParts = { journal: () => {}, now: () => NOW, hasPty: false };
  const device = { id: "d", adapter: "serial", profile };
  await assert.rejects(simulateDevice(device, parts), { code: "PORT_FAILED", message: /socat is not installed/ });
  const coapOnly = loadProfile("generic/climate-coap", [bundledFolder]);
  for (const [wrong, message] of [
    [{ ...device, profile: undefined }, /^d cannot be simulated: it has no profile$/],
    [{ ...device, profile: coapOnly }, /^d cannot be simulated: profile generic\/climate-coap has no serial section$/],
    [{ ...device, profile: withoutSimulation(profile) }, /has no simulate section$/],
    [{ ...device, adapter: "modbus" }, /^d cannot be simulated: adapter modbus is not one of serial, coap$/],
  ] as const) {
    await assert.rejects(simulateDevice(wrong, parts), { code: "PROFILE_INVALID", message });
  }
});

function withoutSimulation({ simulate: _, ...rest }: Profile): Profile {
  return rest;
}
