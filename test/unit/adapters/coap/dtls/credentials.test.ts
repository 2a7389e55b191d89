import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { dtls } from "../../../../../adapters/coap/dtls/config.js";
import { type Credentials, openCredentials } from "../../../../../adapters/coap/dtls/credentials.js";
import type { Entry } from "../../../../../src/core/journal.js";
import { openUdp } from "../../../../../src/protocols/datagram/index.js";
import { openDtls } from "../../../../../src/protocols/dtls/index.js";
import { startDtls } from "../../../../support/dtls.js";
import { eventually } from "../../../../support/eventually.js";
import { temporaryFolder } from "../../../../support/folder.js";

const KEY = "00112233445566778899aabbccddeeff";
const OTHER = "ffeeddccbbaa99887766554433221100";

function setup(t: TestContext) {
  const psk = join(temporaryFolder("weir-credentials-"), "psk");
  const write = (lines: Readonly<Record<string, string>>): void =>
    writeFileSync(
      psk,
      Object.entries(lines)
        .map(([identity, key]) => `${identity}:${key}\n`)
        .join(""),
    );
  write({ air: KEY, pump: KEY, kept: KEY });
  const entries: Entry[] = [];
  const options = { settings: dtls.parse({ psk }), journal: (entry: Entry) => entries.push(entry), at: "coap:test" };
  const credentials = openCredentials({ ...options, every: 10 });
  t.after(() => credentials.stop());
  const told = (event: string) => eventually(() => entries.some((entry) => entry.event === event), event);
  return { credentials, write, entries, told, psk };
}

/** A listener that serves the credentials, and devices with keys of their own. */
async function listen(t: TestContext, credentials: Credentials) {
  const server = await startDtls(t, { server: { psk: { lookup: (identity) => credentials.psk.get(identity) } } });
  credentials.serves(server.transport);
  const connect = async (identity: string, key = KEY) => {
    const psk = { identity, key: Buffer.from(key, "hex") };
    const device = await startDtls(t, { client: () => ({ psk }) });
    await device.transport.connect({ address: "127.0.0.1", port: server.port });
    return device;
  };
  return { server, connect };
}

test("a session ends with the key that it was made with, though its device never said anything", async (t) => {
  const { credentials, write } = setup(t);
  const { server, connect } = await listen(t, credentials);
  const [air, pump, kept] = [await connect("air"), await connect("pump"), await connect("kept")];
  write({ air: OTHER, kept: KEY });
  await eventually(() => air.gone.length === 1 && pump.gone.length === 1, "both are told that it is over");
  assert.equal(credentials.psk.get("air")?.toString("hex"), OTHER);
  assert.deepEqual([kept.gone, server.transport.sizes.open], [[], 1]);
  await connect("air", OTHER);
  assert.deepEqual([kept.gone, server.transport.sizes.open], [[], 2]);
});

test("a file that is being written is read once it stays as it is", async (t) => {
  const { credentials, psk, entries } = setup(t);
  const { connect } = await listen(t, credentials);
  const pump = await connect("pump");
  const lines = ["air", "pump", "kept", "new"].map((identity) => `${identity}:${KEY}\n`);
  writeFileSync(psk, "");
  for (const line of lines) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    appendFileSync(psk, line);
  }
  await eventually(() => credentials.psk.has("new"), "it was read");
  assert.deepEqual(pump.gone, []);
  assert.deepEqual(
    entries.map(({ event }) => event),
    ["coap_credentials_renewed"],
  );
});

test("a file that cannot be used is told, without what is in it, and the old keys stay", async (t) => {
  const { credentials, entries, told, psk } = setup(t);
  writeFileSync(psk, `air:${OTHER}zz\n`);
  await told("coap_credentials_invalid");
  assert.equal(credentials.psk.get("air")?.toString("hex"), KEY);
  assert.ok(!JSON.stringify(entries).includes(OTHER));
});

test("what it serves is told of new keys until it is closed", async (t) => {
  const { credentials, write, entries } = setup(t);
  const transport = openDtls({}, await openUdp({ host: "127.0.0.1", port: 0 }));
  t.after(() => transport.close());
  let renewed = 0;
  transport.renew = () => void renewed++;
  credentials.serves(transport);
  write({ air: OTHER });
  await eventually(() => renewed === 1, "it is renewed");
  await transport.close();
  write({ air: KEY, more: KEY });
  await eventually(() => entries.filter(({ event }) => event === "coap_credentials_renewed").length === 2, "again");
  assert.equal(renewed, 1);
});
