/** Devices that post over DTLS, with libcoap's clients: who may speak for whom. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { WeirError } from "../../src/core/errors.js";
import { openEndpoint } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { openDtls } from "../../src/protocols/dtls/index.js";
import { makeAuthority } from "../support/certificates.js";
import { type CoapLink, type LinkedDevice, linkDevices } from "../support/coap-link.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { locate, needs, type Peer } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";

const run = promisify(execFile);
const AIR_KEY = "the key of the air sensor";
const PUMP_KEY = "the key of all the pumps.";

const DEVICES: readonly LinkedDevice[] = [
  { id: "air" },
  { id: "pump-1", address: { identity: "pumps" } },
  { id: "pump-2", address: { path: "cellar/pump", identity: "pumps" } },
];

interface Bench {
  readonly link: CoapLink;
  readonly psk: string;
  readonly ports: { readonly udp: number; readonly dtls: number };
  /** The codes of the answers; none where no session was opened. */
  ask(program: Peer, identity: string, key: string, path: string, ...args: string[]): Promise<Output>;
}

interface Output {
  readonly codes: readonly string[];
  readonly text: string;
}

function keys(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([identity, key]) => `${identity}:${Buffer.from(key).toString("hex")}\n`)
    .join("");
}

async function client(program: Peer, url: string, ...args: string[]): Promise<Output> {
  const { stdout, stderr } = await run(locate(program) ?? program, ["-v", "7", "-B", "4", ...args, url], {
    timeout: 30_000,
  }).catch((error: { stdout: string; stderr: string }) => error);
  const text = stdout + stderr;
  return {
    codes: [...text.matchAll(/v:1 t:(?:ACK|CON|NON) c:([245]\.[0-9]{2}) /g)].map(([, code]) => code ?? ""),
    text,
  };
}

async function listen(t: TestContext, dtls: object = {}, devices = DEVICES): Promise<Bench> {
  const ports = { udp: await freeUdpPort(), dtls: await freeUdpPort() };
  const psk = join(temporaryFolder("weir-psk-"), "psk");
  writeFileSync(psk, keys({ air: AIR_KEY, pumps: PUMP_KEY }));
  const listeners = [`udp://127.0.0.1:${ports.udp}`, `dtls://127.0.0.1:${ports.dtls}`];
  const link = linkDevices(t, { listen: listeners, dtls: { psk, ...dtls } }, devices);
  await eventually(() => link.states.includes("up"), "the link is open");
  return {
    link,
    psk,
    ports,
    ask: (program, identity, key, path, ...args) =>
      client(program, `coaps://127.0.0.1:${ports.dtls}/${path}`, "-u", identity, "-k", key, ...args),
  };
}

const POST = ["-m", "post", "-t", "0", "-e", "21.5"];

for (const program of ["coap-client-openssl", "coap-client-gnutls"] as const) {
  test(`${program}: a device speaks for itself, and for nobody else`, needs(program), async (t) => {
    const { link, ask } = await listen(t);
    assert.deepEqual((await ask(program, "air", AIR_KEY, "air/temperature", ...POST)).codes, ["2.04"]);
    assert.deepEqual((await ask(program, "pumps", PUMP_KEY, "pump-1/flow", ...POST)).codes, ["2.04"]);
    assert.deepEqual((await ask(program, "pumps", PUMP_KEY, "cellar/pump/flow", ...POST)).codes, ["2.04"]);
    assert.deepEqual(
      link.readings.map(({ device, resource, value }) => [device, resource, value]),
      [
        ["air", "temperature", 21.5],
        ["pump-1", "flow", 21.5],
        ["pump-2", "flow", 21.5],
      ],
    );
    assert.deepEqual((await ask(program, "air", AIR_KEY, "pump-1/flow", ...POST)).codes, ["4.03"]);
    assert.deepEqual((await ask(program, "pumps", PUMP_KEY, "air/temperature", ...POST)).codes, ["4.03"]);
    const refusals = link.entries.filter(({ event }) => event === "coap_refused");
    assert.deepEqual(
      refusals.map(({ at, reason }) => [at, reason]),
      [
        ["pump-1", "other_identity"],
        ["air", "other_identity"],
      ],
    );
    assert.match(refusals[0]?.message ?? "", /^4\.03 to "air" at 127\.0\.0\.1 port [0-9]+: /);
    assert.equal(link.readings.length, 3);
  });
}

test("each sees its own devices only", needs("coap-client-openssl", "coap-client-notls"), async (t) => {
  const { ask, ports } = await listen(t);
  const discover = ["-m", "get"];
  const own = await ask("coap-client-openssl", "pumps", PUMP_KEY, ".well-known/core", ...discover);
  assert.match(own.text, /<\/pump-1>.*<\/cellar\/pump>/);
  assert.doesNotMatch(own.text, /<\/air>/);
  const open = await client("coap-client-notls", `coap://127.0.0.1:${ports.udp}/.well-known/core`, ...discover);
  assert.match(open.text, /<\/air>/);
  assert.doesNotMatch(open.text, /pump/);
});

test("over plain UDP a device with an identity is refused", needs("coap-client-notls"), async (t) => {
  const { link, ports } = await listen(t);
  const plain = (path: string) => client("coap-client-notls", `coap://127.0.0.1:${ports.udp}/${path}`, ...POST);
  assert.deepEqual((await plain("air/temperature")).codes, ["2.04"]);
  assert.deepEqual((await plain("pump-1/flow")).codes, ["4.01"]);
  assert.deepEqual(
    link.entries.filter(({ event }) => event === "coap_refused").map(({ at, reason }) => [at, reason]),
    [["pump-1", "unproven"]],
  );
});

test("dtls.required: nothing comes over plain UDP", needs("coap-client-notls", "coap-client-openssl"), async (t) => {
  const { ask, ports } = await listen(t, { required: true });
  const plain = await client("coap-client-notls", `coap://127.0.0.1:${ports.udp}/air/temperature`, ...POST);
  assert.deepEqual(plain.codes, ["4.01"]);
  assert.deepEqual((await ask("coap-client-openssl", "air", AIR_KEY, "air/temperature", ...POST)).codes, ["2.04"]);
});

test("a wrong key and an unknown identity open nothing; no key is logged", needs("coap-client-openssl"), async (t) => {
  const { link, ask } = await listen(t);
  assert.deepEqual((await ask("coap-client-openssl", "air", PUMP_KEY, "air/temperature", ...POST)).codes, []);
  assert.deepEqual((await ask("coap-client-openssl", "nobody", AIR_KEY, "air/temperature", ...POST)).codes, []);
  assert.deepEqual(link.readings, []);
  const said = JSON.stringify(link.entries);
  for (const key of [AIR_KEY, PUMP_KEY]) {
    assert.ok(!said.includes(key) && !said.includes(Buffer.from(key).toString("hex")));
  }
});

test("keys are read again when the file changes", needs("coap-client-openssl"), async (t) => {
  const { link, psk, ask } = await listen(t);
  const other = "a key that was not there before";
  writeFileSync(psk, keys({ air: other }));
  await eventually(
    () => link.entries.some(({ event }) => event === "coap_credentials_renewed"),
    "the keys are renewed",
  );
  assert.deepEqual((await ask("coap-client-openssl", "air", other, "air/temperature", ...POST)).codes, ["2.04"]);
  assert.deepEqual((await ask("coap-client-openssl", "air", AIR_KEY, "air/temperature", ...POST)).codes, []);
  writeFileSync(psk, "no key at all\n");
  await eventually(() => link.entries.some(({ event }) => event === "coap_credentials_invalid"), "it is told");
  assert.deepEqual((await ask("coap-client-openssl", "air", other, "air/temperature", ...POST)).codes, ["2.04"]);
});

test("a full outbox is 5.03 with Max-Age over DTLS as well", needs("coap-client-openssl"), async (t) => {
  const { link, ask } = await listen(t);
  link.sink = async () => {
    throw new WeirError("OUTBOX_FULL", "there is no room");
  };
  const { codes, text } = await ask("coap-client-openssl", "air", AIR_KEY, "air/temperature", ...POST);
  assert.deepEqual(codes, ["5.03"]);
  assert.match(text, /Max-Age:30/);
});

test("certificates: the name of the device, or its fingerprint", needs("openssl", "coap-client-openssl"), async (t) => {
  const authority = makeAuthority(t);
  const gateway = authority.issue("gateway", 1);
  const air = authority.issue("air", 2, "DNS:air");
  const stranger = makeAuthority(t).issue("air", 3, "DNS:air");
  const { cert, key } = gateway;
  const { link, ports } = await listen(t, { cert, key, ca: authority.ca });
  const post = (own: { cert: string; key: string }, path: string) =>
    client(
      "coap-client-openssl",
      `coaps://127.0.0.1:${ports.dtls}/${path}`,
      ...["-c", own.cert, "-j", own.key, "-C", authority.ca, ...POST],
    );
  assert.deepEqual((await post(air, "air/temperature")).codes, ["2.04"]);
  assert.deepEqual((await post(air, "pump-1/flow")).codes, ["4.03"]);
  assert.deepEqual((await post(stranger, "air/temperature")).codes, []);
  assert.equal(link.readings.length, 1);
});

test("certificates are read again when the files change", needs("openssl", "coap-client-openssl"), async (t) => {
  const [authority, other] = [makeAuthority(t), makeAuthority(t)];
  const folder = temporaryFolder("weir-certificates-");
  const files = { cert: join(folder, "cert"), key: join(folder, "key"), ca: join(folder, "ca") };
  const install = ({ ca, issue }: ReturnType<typeof makeAuthority>): void => {
    const { cert, key } = issue("gateway", 1);
    for (const [from, to] of [
      [cert, files.cert],
      [key, files.key],
      [ca, files.ca],
    ] as const)
      copyFileSync(from, to);
  };
  install(authority);
  const { link, ports } = await listen(t, files);
  const post = ({ ca, issue }: ReturnType<typeof makeAuthority>) => {
    const { cert, key } = issue("air", 2, "DNS:air");
    const url = `coaps://127.0.0.1:${ports.dtls}/air/temperature`;
    return client("coap-client-openssl", url, "-c", cert, "-j", key, "-C", ca, ...POST);
  };
  assert.deepEqual((await post(authority)).codes, ["2.04"]);
  assert.deepEqual((await post(other)).codes, []);
  install(other);
  await eventually(() => link.entries.some(({ event }) => event === "coap_credentials_renewed"), "they are renewed");
  assert.deepEqual((await post(other)).codes, ["2.04"]);
  assert.deepEqual((await post(authority)).codes, []);
});

test("an open session ends once its key is another one", async (t) => {
  const { link, psk, ports } = await listen(t);
  const key = Buffer.from(AIR_KEY);
  const udp = await openUdp({ host: "127.0.0.1", port: 0 });
  const device = openEndpoint(openDtls({ client: () => ({ psk: { identity: "air", key } }) }, udp));
  t.after(() => device.close(0));
  const to = { address: "127.0.0.1", port: ports.dtls };
  const post = async () =>
    device.request(
      await device.connect(to),
      { method: "0.02", path: ["air", "x"], payload: Buffer.from("1") },
      { timeout: 5_000 },
    );
  assert.equal((await post()).code, "2.04");
  writeFileSync(psk, keys({ air: "a key that was not there before" }));
  await eventually(
    () => link.entries.some(({ event }) => event === "coap_credentials_renewed"),
    "the keys are renewed",
  );
  // It was told, and begins anew, with a key that is none any more.
  const again = assert.rejects(post());
  await device.close(0);
  await again;
  assert.equal(link.readings.length, 1);
});
