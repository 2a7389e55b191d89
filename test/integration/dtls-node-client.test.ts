import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { IDENTITY, key, PSK, startDtls } from "../support/dtls.js";
import { eventually } from "../support/eventually.js";
import { needs, peerModule } from "../support/peers.js";

/** What of node-dtls-client is used here: a DTLS client in Node that nobody here wrote. */
interface NodeDtlsClient {
  readonly dtls: { createSocket(options: object): EventEmitter & { send(bytes: Buffer): void; close(): void } };
}

const peer = needs("node-dtls-client");
const load = (): Promise<NodeDtlsClient> =>
  import(pathToFileURL(join(peerModule("node-dtls-client"), "build/dtls.js")).href);

/** The suites that both have: it has no others than with pre-shared keys, and we have none with CBC. */
const SUITES = [
  "TLS_PSK_WITH_AES_128_CCM_8",
  "TLS_PSK_WITH_AES_256_CCM_8",
  "TLS_PSK_WITH_AES_128_GCM_SHA256",
  "TLS_PSK_WITH_AES_256_GCM_SHA384",
] as const;

for (const suite of SUITES) {
  test(`node-dtls-client with ${suite}`, peer, async (t) => {
    const { dtls } = await load();
    const ours = await startDtls(t, PSK, (bytes) => Buffer.from(bytes.toString().toUpperCase()));
    const theirs = dtls.createSocket({
      ...{ type: "udp4", address: "127.0.0.1", port: ours.port, timeout: 10_000 },
      ...{ psk: { [IDENTITY]: key() }, ciphers: [suite] },
    });
    let open = true;
    theirs.once("close", () => {
      open = false;
    });
    t.after(() => open && theirs.close());
    await once(theirs, "connected");
    theirs.send(Buffer.from("how much?"));
    const [answer] = (await once(theirs, "message")) as [Buffer];
    assert.equal(answer.toString(), "HOW MUCH?");
    assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "psk", identity: IDENTITY });
    theirs.close();
    await eventually(() => ours.gone.length === 1, "it said goodbye");
  });
}

test("node-dtls-client with another key does not get in", peer, async (t) => {
  const { dtls } = await load();
  const ours = await startDtls(t, PSK);
  const theirs = dtls.createSocket({
    ...{ type: "udp4", address: "127.0.0.1", port: ours.port, timeout: 1000 },
    ...{ psk: { [IDENTITY]: Buffer.from("another") }, ciphers: [SUITES[0]] },
  });
  // once rejects with what it emits as an error.
  await assert.rejects(once(theirs, "connected"));
  assert.equal(ours.heard.length, 0);
});
