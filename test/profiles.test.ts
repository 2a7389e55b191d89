import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bundledFolder,
  coapCodec,
  isAsked,
  listProfiles,
  loadProfile,
  type Profile,
  runSamples,
  serialCodec,
  simulation,
} from "../src/profile/index.js";

const FOLDERS = [bundledFolder];
const START = Date.UTC(2026, 0, 1);

/** What a serial profile's samples show: its messages and the resources they carried. */
function shownBySamples(profile: Profile): { messages: Set<string>; resources: Set<string> } {
  const codec = serialCodec(profile);
  const messages = new Set<string>();
  const resources = new Set<string>();
  for (const sample of profile.samples) {
    if (sample.command !== undefined || sample.path !== undefined) continue;
    const framer = codec.framer();
    for (const output of [...framer.push(sample.bytes, 0), ...framer.end()]) {
      if (output.kind !== "frame") continue;
      const decoded = codec.decode(output.bytes);
      if (decoded.kind !== "values") continue;
      messages.add(decoded.message);
      for (const { resource } of decoded.values) resources.add(resource);
    }
  }
  return { messages, resources };
}

/** Everything that a simulated device sends at one time, through the real framer and codec. */
function simulate(profile: Profile, seed: number, times: readonly number[]): void {
  const simulated = simulation(profile, seed);
  if (simulated === undefined) return;
  const codec = serialCodec(profile);
  const framer = codec.framer();
  let frames = 0;
  for (const now of times) {
    const sent = simulated.frames(now);
    const answers: Uint8Array[] = codec.polls.flatMap(({ request }) => simulated.answer(request, now) ?? []);
    const carried = new Map<string, unknown>();
    for (const output of [...sent, ...answers].flatMap((bytes) => framer.push(bytes, now))) {
      assert.equal(output.kind, "frame", `${profile.name} discards bytes of its own simulation`);
      if (output.kind !== "frame") continue;
      frames += 1;
      const decoded = codec.decode(output.bytes);
      assert.equal(decoded.kind, "values");
      if (decoded.kind !== "values") continue;
      for (const { resource, value, quality } of decoded.values) {
        assert.equal(quality, "good", `${resource} = ${String(value)}`);
        carried.set(resource, value);
      }
    }
    for (const [resource, value] of simulated.values(now)) {
      if (carried.has(resource)) assert.deepEqual(carried.get(resource), value, resource);
    }
    for (const resource of Object.keys(profile.simulate?.values ?? {})) {
      assert.ok(carried.has(resource), `${resource} is simulated but not sent`);
    }
  }
  assert.equal(framer.pending, 0);
  assert.ok(frames > 0, "the simulation sends nothing");
}

/** Every read has a sample and is simulated so that it decodes; every command has a sample and is understood. */
function checkAsked(profile: Profile): void {
  const { reads, encode } = coapCodec(profile);
  const device = simulation(profile, 1)?.coap;
  const answers = profile.samples.filter(({ command }) => command === undefined).map(({ path }) => path?.text);
  const read = new Set<string>();
  for (const one of reads) {
    assert.ok(answers.includes(one.text), `${one.text} has no sample`);
    const state = device?.state(one, START);
    assert.ok(state !== undefined, `${one.text} is not simulated`);
    for (const { resource, quality } of one.decode(state, START)) {
      assert.equal(quality, "good", resource);
      read.add(resource);
    }
  }
  for (const [name, { access }] of profile.resources) if (access.includes("R")) assert.ok(read.has(name), name);
  const told = new Set(profile.samples.map(({ command }) => command));
  for (const name of Object.keys(profile.coap?.commands ?? {})) {
    const value = profile.samples.find(({ command }) => command === name)?.value;
    assert.ok(told.has(name), `the command ${name} has no sample`);
    const { method, payload, ...place } = encode(
      name,
      profile.resources.get(name)?.access === "E" ? "execute" : "write",
      value,
    );
    assert.equal(device?.command(method, place, payload), "done", name);
  }
}

const profiles = listProfiles(FOLDERS);

test("the devices that the README promises are there", () => {
  const names = profiles.map(({ name }) => name);
  for (const name of [
    "plantower/pms5003",
    "nova/sds011",
    "winsen/mh-z19b",
    "dsmr/p1",
    "victron/ve-direct",
    "generic/nmea-gnss",
    "generic/text-line",
    "generic/json-line",
    "generic/climate-coap",
    "generic/thermostat-coap",
  ]) {
    assert.ok(names.includes(name), name);
  }
});

for (const { name } of profiles) {
  test(`profile ${name}`, async (t) => {
    const profile = loadProfile(name, FOLDERS);

    for (const sample of runSamples(profile)) {
      await t.test(sample.name, () => assert.equal(sample.problem, undefined));
    }

    if (isAsked(profile))
      await t.test("what is asked and told over CoAP is shown and simulated", () => checkAsked(profile));
    if (profile.serial === undefined) {
      await t.test("is simulated", () => {
        const values = simulation(profile, 1)?.values(START);
        const valued = [...profile.resources].filter(([, { access }]) => access !== "E").map(([key]) => key);
        assert.deepEqual([...(values?.keys() ?? [])].sort(), valued.sort());
      });
      return;
    }

    await t.test("the samples show every resource and every message that carries one", () => {
      const shown = shownBySamples(profile);
      const readable = [...profile.resources].filter(([, { access }]) => access.includes("R")).map(([key]) => key);
      assert.deepEqual(
        readable.filter((resource) => !shown.resources.has(resource)),
        [],
      );
      const messages = Object.keys(profile.serial?.messages ?? {});
      const untold = messages.filter(
        (message) => !shown.messages.has(message) && !/acknowledgement|other/.test(message),
      );
      assert.deepEqual(untold, []);
    });

    await t.test("every command has a sample", () => {
      const commands = Object.keys(profile.serial?.commands ?? {});
      const tried = new Set(profile.samples.map(({ command }) => command));
      assert.deepEqual(
        commands.filter((command) => !tried.has(command)),
        [],
      );
    });

    await t.test("what it simulates decodes to the simulated values, without a discard", () => {
      const times = Array.from({ length: 200 }, (_, step) => START + step * 7919);
      simulate(profile, 1, times);
      simulate(profile, 2, times);
    });
  });
}
