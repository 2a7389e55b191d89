import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage, parseMessage } from "../../src/protocols/coap/message.js";
import { startDialogue } from "../support/dialogue.js";
import { IDENTITY, PSK, startDtls } from "../support/dtls.js";
import { eventually } from "../support/eventually.js";
import { needs } from "../support/peers.js";
import { freeUdpPort } from "../support/ports.js";
import { run } from "../support/run.js";

/** libcoap's key is text. */
const SECRET = "a key of libcoap";

/** Answers a request with its payload, or with what a device would say. */
function respond(bytes: Buffer): Uint8Array | undefined {
  const parsed = parseMessage(bytes);
  if (!parsed.ok || parsed.message.code.startsWith("0.00")) return undefined;
  const { messageId, token, payload } = parsed.message;
  const text = payload.length === 0 ? Buffer.from("21.5 Cel") : payload;
  return encodeMessage({ type: "ACK", code: "2.05", messageId, token, options: [], payload: text });
}

for (const library of ["openssl", "gnutls"] as const) {
  const client = `coap-client-${library}` as const;
  const server = `coap-server-${library}` as const;

  test(`libcoap's client with ${library}`, needs(client), async (t) => {
    const lookup = (identity: string) => (identity === IDENTITY ? Buffer.from(SECRET) : undefined);
    const ours = await startDtls(t, { server: { psk: { lookup, hint: "weir" } } }, respond);
    const uri = `coaps://127.0.0.1:${ours.port}/temperature`;
    const said = await run(client, ["-B", "5", "-u", IDENTITY, "-k", SECRET, "-m", "get", uri]);
    assert.match(said.said, /21\.5 Cel/);
    const posted = await run(client, ["-B", "5", "-u", IDENTITY, "-k", SECRET, "-m", "post", "-e", "19.25", uri]);
    assert.match(posted.said, /19\.25/);
    assert.deepEqual(ours.heard[0]?.peer.identity, { kind: "psk", identity: IDENTITY });
    await eventually(() => ours.gone.length === 2, "both said goodbye");
    const { records } = ours.transport.counters;
    assert.deepEqual([records.malformed, records.forged, records.unknown_address], [0, 0, 0]);
  });

  test(`libcoap's client with ${library} and a wrong key`, needs(client), async (t) => {
    const ours = await startDtls(t, PSK, respond);
    await run(client, ["-B", "2", "-u", IDENTITY, "-k", SECRET, `coaps://127.0.0.1:${ours.port}/x`]);
    assert.equal(ours.heard.length, 0);
    assert.equal(ours.transport.counters.opened, 0);
  });

  test(`libcoap's server with ${library}`, needs(server), async (t) => {
    const port = await freeUdpPort();
    // DTLS is on the port above. Level 7 says that it listens.
    const args = ["-A", "127.0.0.1", "-p", `${port}`, "-k", SECRET, "-h", "weir", "-v", "7"];
    const theirs = startDialogue(t, server, args);
    await theirs.hears("created DTLS endpoint");
    const psk = { identity: IDENTITY, key: Buffer.from(SECRET) };
    const ours = await startDtls(t, { client: () => ({ psk }) });
    const peer = await ours.transport.connect({ address: "127.0.0.1", port: port + 1 });
    const options = [{ number: 11, value: Buffer.from("time") }];
    const get = {
      type: "CON",
      code: "0.01",
      messageId: 7,
      token: Uint8Array.of(1),
      options,
      payload: new Uint8Array(0),
    };
    ours.transport.send(encodeMessage({ ...get, type: "CON", code: "0.01" }), peer);
    await eventually(() => ours.heard.length === 1, "it answered");
    const parsed = parseMessage(ours.heard[0]?.bytes ?? Buffer.alloc(0));
    assert.ok(parsed.ok);
    assert.equal(parsed.message.code, "2.05");
  });
}
