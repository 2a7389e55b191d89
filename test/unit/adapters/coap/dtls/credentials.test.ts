import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { dtls } from "../../../../../adapters/coap/dtls/config.js";
import { openCredentials } from "../../../../../adapters/coap/dtls/credentials.js";
import type { Entry } from "../../../../../src/core/journal.js";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";
import { openUdp } from "../../../../../src/protocols/datagram/index.js";
import { openDtls } from "../../../../../src/protocols/dtls/index.js";
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
  write({ air: KEY, pump: KEY });
  const entries: Entry[] = [];
  const options = { settings: dtls.parse({ psk }), journal: (entry: Entry) => entries.push(entry), at: "coap:test" };
  const credentials = openCredentials({ ...options, every: 10 });
  t.after(() => credentials.stop());
  const told = (event: string) => eventually(() => entries.some((entry) => entry.event === event), event);
  return { credentials, write, entries, told, psk };
}

function peer(identity: string): Peer {
  return { id: identity, address: "127.0.0.1", port: 1, identity: { kind: "psk", identity } };
}

test("a session lasts as long as the key that it was made with", async (t) => {
  const { credentials, write, told } = setup(t);
  const [air, pump] = [peer("air"), peer("pump")];
  assert.ok(credentials.holds(air) && credentials.holds(pump));
  assert.equal(credentials.holds(peer("nobody")), false);
  write({ air: OTHER });
  await told("coap_credentials_renewed");
  assert.equal(credentials.psk.get("air")?.toString("hex"), OTHER);
  assert.equal(credentials.holds(air), false);
  assert.equal(credentials.holds(pump), false);
  assert.equal(credentials.holds(peer("air")), true);
});

test("what proves itself otherwise is held by no key", (t) => {
  const { credentials } = setup(t);
  const identity = { kind: "raw-public-key", fingerprint: "00" } as const;
  assert.ok(credentials.holds({ ...peer("x"), identity }));
  assert.ok(credentials.holds({ ...peer("x"), identity: undefined }));
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
