import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { check } from "../../../../adapters/coap/check.js";
import { address, settings } from "../../../../adapters/coap/config.js";
import { bundledFolder, loadProfile } from "../../../../src/profile/index.js";
import { temporaryFolder } from "../../../support/folder.js";

const FINGERPRINT = "0a".repeat(32);
const KEY = "00112233445566778899aabbccddeeff";

function problems(given: object, ...devices: readonly { id: string; address?: unknown; profile?: string }[]): string[] {
  const made = devices.map(({ id, address: where, profile }) => ({
    id,
    address: address.parse(where),
    profile: profile === undefined ? undefined : loadProfile(profile, [bundledFolder]),
  }));
  return check(settings.parse(given), made).map(
    ({ device, path, message, level }) => `${device ?? ""} ${path.join(".")} ${level ?? "error"}: ${message}`,
  );
}

function file(text: string, mode = 0o600): string {
  const path = join(temporaryFolder("weir-check-"), "keys");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const DTLS = { listen: "dtls://127.0.0.1:0" };
const ASKED = "generic/thermostat-coap";

test("addresses: a path, a URL, or an object of them with an identity", () => {
  const none = { path: undefined, identity: undefined, server: undefined };
  assert.deepEqual(address.parse({ identity: "x" }), { ...none, identity: "x" });
  const server = { scheme: "coap", host: "sensor", port: 5683, path: [], query: [] };
  assert.deepEqual(address.parse("coap://sensor"), { ...none, server });
  assert.deepEqual(address.parse({ url: "coaps://[fe80::1%25eth0]:7/base/x" }).server, {
    scheme: "coaps",
    host: "fe80::1%eth0",
    port: 7,
    path: ["base", "x"],
    query: [],
  });
  const colons = FINGERPRINT.toUpperCase().match(/../g)?.join(":");
  assert.equal(address.parse({ identity: `SHA256:${colons}` }).identity, `sha256:${FINGERPRINT}`);
  for (const [given, message] of [
    ["http://sensor", /must be coap:\/\/host/],
    ["coap://sensor/?a=1", /must be coap:\/\/host/],
    ["a b", /must be 1 to 4 segments/],
    [{ identity: "sha256:12" }, /64 hexadecimal digits/],
    [{ identity: "" }, /must not be empty/],
    [{ path: "a", url: "coap://b" }, /either path.*or url/],
  ] as const) {
    const read = address.safeParse(given);
    assert.ok(!read.success);
    assert.match(JSON.stringify(read.error.issues), message);
  }
});

test("listeners: one or a list; DTLS has a port of its own", () => {
  const listen = ["udp://0.0.0.0", "dtls://[::]"];
  assert.deepEqual(settings.parse({ listen }).listen, listen);
  assert.equal(settings.safeParse({ listen: [] }).success, false);
  assert.equal(settings.safeParse({ listen: ["tls://0.0.0.0"] }).success, false);
  assert.deepEqual(problems({ listen: ["udp://0.0.0.0", "udp://0.0.0.0"] }), [
    " listen.1 error: udp://0.0.0.0 is there twice",
  ]);
});

for (const [what, dtls, message] of [
  ["nothing to prove anything with", {}, /nobody could prove anything/],
  ["a certificate without its key", { psk: "p", cert: "c" }, /needs key/],
  ["nobody who is believed", { cert: "c", key: "k" }, /no device would be believed/],
  ["a short fingerprint", { key: "k", trusted: ["sha256:00"] }, /64 hexadecimal digits/],
  ["a connection id of 2 bytes", { psk: "p", cid: 2 }, /must be 0, or 4 to 20/],
  ["no patience", { psk: "p", idle: "1s" }, /must be between 1m and 24d/],
] as const) {
  test(`dtls with ${what} is refused`, () => {
    const read = settings.safeParse({ dtls });
    assert.ok(!read.success);
    assert.match(JSON.stringify(read.error.issues), message);
  });
}

test("files: missing, wrong, and readable by others", () => {
  const psk = file(`air:${KEY}\n`);
  assert.deepEqual(problems({ ...DTLS, dtls: { psk } }, { id: "air" }), []);
  const open = file(`air:${KEY}\n`, 0o644);
  assert.deepEqual(problems({ ...DTLS, dtls: { psk: open } }, { id: "air" }), [
    ` dtls.psk warning: the file ${open} can be read by others than its owner: chmod 600`,
  ]);
  const wrong = file(`air:secret-in-plain\n`);
  assert.deepEqual(problems({ ...DTLS, dtls: { psk: wrong } }), [
    ` dtls.psk error: ${wrong}:1: the key is not hexadecimal (two digits a byte)`,
  ]);
  const [missing] = problems({ ...DTLS, dtls: { psk: "/nowhere/psk" } });
  assert.match(missing ?? "", / dtls\.psk error: \/nowhere\/psk: cannot be read/);
  const [noKey] = problems({ ...DTLS, dtls: { key: file("-----BEGIN nothing"), trusted: [`sha256:${FINGERPRINT}`] } });
  assert.match(noKey ?? "", / dtls\.key error: .*: a private key that cannot be read/);
  const trusted = [`sha256:${FINGERPRINT}`];
  const [wrongKey] = problems({ ...DTLS, dtls: { cert: file("no certificate"), key: file("no key"), trusted } });
  assert.match(wrongKey ?? "", / dtls\.key error: /);
  const [folder] = problems({ ...DTLS, dtls: { psk: temporaryFolder("weir-check-") } });
  assert.match(folder ?? "", /is not a regular file/);
});

test("devices that could never post", () => {
  const dtls = { psk: file(`a:${KEY}\nx:${KEY}\n`) };
  assert.deepEqual(problems({ ...DTLS }), [
    " listen error: dtls:// needs keys: add psk, or cert and key, under adapters.coap.dtls",
  ]);
  assert.deepEqual(problems({ dtls }, { id: "a" }, { id: "b", address: { identity: "x" } }), [
    "b address.identity error: is proved over DTLS only, and adapters.coap.listen has no dtls:// address",
  ]);
  assert.deepEqual(problems({ dtls: { ...dtls, required: true } }, { id: "a" }, { id: "x" }), [
    " dtls.required error: lets nobody post: listen has no dtls:// address",
  ]);
  assert.deepEqual(problems({ ...DTLS, dtls }, { id: "a" }, { id: "b", address: { identity: "x" } }), []);
});

test("keys and devices that have no identity in common: a word that is written in two ways", () => {
  const psk = file(`aire:${KEY}\npump:${KEY}\n`);
  const both = { listen: ["udp://127.0.0.1:0", "dtls://127.0.0.1:0"], dtls: { psk } };
  const strange = (names: string) => ` dtls.psk warning: ${psk} has keys of identities that are no device's: ${names}`;
  const keyless = (id: string, identity = id) =>
    `${id} address warning: cannot post: ${psk} has no key of its identity "${identity}"`;
  const devices = [{ id: "air" }, { id: "p", address: { identity: "pump" } }];
  assert.deepEqual(problems({ ...DTLS, dtls: { psk } }, ...devices), [keyless("air"), strange('"aire"')]);
  // It may post over UDP.
  assert.deepEqual(problems(both, ...devices), [strange('"aire"')]);
  assert.deepEqual(problems({ ...both, dtls: { psk, required: true } }, ...devices)[0], keyless("air"));
  assert.deepEqual(problems(both, { id: "a", address: { identity: "x" } }), [
    keyless("a", "x"),
    strange('"aire", "pump"'),
  ]);
  // A certificate may prove it, and users of the broker are no devices.
  const trusted = [`sha256:${FINGERPRINT}`];
  assert.deepEqual(problems({ ...DTLS, dtls: { psk, trusted }, pubsub: true }, ...devices), []);
  const many = file(["a", "b", "c", "d", "e"].map((name) => `${name}:${KEY}\n`).join(""));
  assert.match(problems({ ...DTLS, dtls: { psk: many } })[0] ?? "", /: "a", "b", "c" and 2 more$/);
});

test("devices that could not be asked", () => {
  const dtls = { psk: file(`b:${KEY}\n`) };
  assert.deepEqual(problems({}, { id: "a", address: "coap://h", profile: ASKED }), []);
  assert.deepEqual(problems({}, { id: "a", address: "coap://h" }), [
    "a profile error: a device that is asked needs a profile: it says what is asked for",
  ]);
  assert.match(
    problems({}, { id: "a", address: "coap://h", profile: "generic/climate-coap" })[0] ?? "",
    /nothing to ask/,
  );
  assert.match(problems({}, { id: "a", address: "coaps://h", profile: ASKED })[0] ?? "", /coaps:\/\/ needs keys/);
  assert.match(
    problems({ dtls }, { id: "a", address: "coaps://h", profile: ASKED })[0] ?? "",
    /no key of the identity "a"/,
  );
  const withKey = { id: "a", address: { url: "coaps://h", identity: "b" }, profile: ASKED };
  assert.deepEqual(problems({ dtls }, withKey), []);
  const plain = { id: "a", address: { url: "coap://h", identity: "b" }, profile: ASKED };
  assert.match(problems({}, plain)[0] ?? "", /must begin with coaps/);
});
