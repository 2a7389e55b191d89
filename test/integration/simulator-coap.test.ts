import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createAdapters } from "../../adapters/index.js";
import type { Entry } from "../../src/core/journal.js";
import type { Reading } from "../../src/core/reading.js";
import { bundledFolder, loadProfile, simulation } from "../../src/profile/index.js";
import { type Posted, playCoap } from "../../src/simulator/coap.js";
import type { Posting } from "../../src/simulator/payload.js";
import { seedOf, simulateDevice } from "../../src/simulator/simulate.js";
import { eventually } from "../support/eventually.js";
import { freeUdpPort } from "../support/ports.js";

const NOW = 1_763_890_000_000;
const profile = loadProfile("generic/climate-coap", [bundledFolder]);

/** The real CoAP adapter with one device on it. */
async function gateway(t: TestContext, id: string, address: unknown) {
  const readings: Reading[] = [];
  const entries: Entry[] = [];
  const coap = createAdapters().find(({ name }) => name === "coap") ?? assert.fail("no CoAP adapter");
  const port = await freeUdpPort();
  const device = { id, address: coap.address.parse(address), profile };
  const [link] = coap.links(coap.settings.parse({ listen: `udp://127.0.0.1:${port}` }), [device]);
  const { signal } = new AbortController();
  const journal = (entry: Entry): void => {
    if (entry.level === "warn" || entry.level === "error") entries.push(entry);
  };
  const sink = async (batch: readonly Reading[]): Promise<void> => void readings.push(...batch);
  const session = await (link ?? assert.fail("no link")).adapter.open({ sink, journal, now: () => NOW, signal });
  t.after(() => session.close());
  // Refusals and failures only.
  return { readings, entries, journal, device, target: `coap://127.0.0.1:${port}` };
}

test("a simulated device posts to the gateway's own adapter, below the path of its address", async (t) => {
  const { readings, entries, journal, device, target } = await gateway(t, "climate", "plant/air");
  const simulated = await simulateDevice({ ...device, adapter: "coap" }, { journal, now: () => NOW });
  t.after(() => simulated.close());
  assert.equal(simulated.address, undefined);
  assert.throws(() => simulated.start(), { code: "COMMAND_INVALID" });
  simulated.start({ coapTarget: target });
  const expected = simulation(profile, seedOf("climate"))?.values(NOW) ?? new Map();
  await eventually(() => readings.length >= expected.size || entries.length > 0, "the first post arrived");
  assert.deepEqual(entries, []);
  assert.deepEqual(new Map(readings.map(({ resource, value }) => [resource, value])), expected);
  assert.ok(readings.every(({ device }) => device === "climate"));
});

const formats = ["json", "cbor", "senml-json", "senml-cbor", "text"] as const;
for (const posting of formats.flatMap((format): Posting[] => [
  ...(format === "text" ? [] : [{ format, post: "device" } as const]),
  { format, post: "resource" },
])) {
  test(`${posting.format}, one request a ${posting.post}: the adapter takes it and reads the same values`, async (t) => {
    const { readings, entries, journal, target } = await gateway(t, "climate", undefined);
    const stop = new AbortController();
    const played = simulation(profile, 7) ?? assert.fail("climate-coap has no simulate section");
    const posted: Posted[] = [];
    const ended = playCoap({
      profile,
      simulation: played,
      path: "climate",
      target,
      posting,
      now: () => NOW,
      signal: stop.signal,
      journal,
      at: "climate",
      onAnswer: (what) => posted.push(what),
    });
    const expected = played.values(NOW);
    await eventually(() => readings.length >= expected.size || entries.length > 0, "all values arrived");
    stop.abort();
    await ended;
    assert.deepEqual(entries, []);
    assert.deepEqual(new Map(readings.map(({ resource, value }) => [resource, value])), expected);
    assert.deepEqual(
      readings.map(({ unit }) => unit).sort(),
      [...profile.resources.values()].map(({ unit }) => unit).sort(),
    );
    assert.ok(posted.every(({ outcome }) => outcome.kind === "answered" && outcome.code === "2.04"));
  });
}
