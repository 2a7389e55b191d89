import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { CoapError, openEndpoint, type Timing } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { createStore } from "../support/coap-store.js";
import { askByLibcoap, payloadFile, startLibcoapServer } from "../support/libcoap.js";
import { lossyProxy } from "../support/lossy-proxy.js";
import { needs } from "../support/peers.js";

/** Real sockets, through a proxy that loses a fifth each way and lets a tenth be overtaken. */
const LOSSY = { loss: 0.2, late: 0.1, lateBy: 60 };
/** RFC 7252 4.8 with a tenth of its time-outs: both ends must agree on them, so that this is for our two ends only. */
const QUICK: Timing = {
  ackTimeout: 200,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  exchangeLifetime: 24_700,
  nonLifetime: 14_500,
};
/** Of two blocks: with the time-outs of the standard more of them would take minutes. */
const BODY = Buffer.from(Array.from({ length: 2000 }, (_, index) => 0x20 + ((index * 7 + (index >> 8)) % 95)));

async function open(context: TestContext, timing?: Timing) {
  const store = createStore();
  const transport = await openUdp({ host: "127.0.0.1", port: 0 });
  const failures: unknown[] = [];
  const service = openEndpoint(transport, {
    handler: store.handler,
    onFailure: (why) => failures.push(why),
    ...(timing === undefined ? {} : { timing }),
  });
  context.after(async () => {
    await service.close();
    assert.deepEqual(failures, []);
  });
  return { store, service, port: transport.local.port };
}

test("500 requests of ours: each is answered or times out, and is handled once", async (context) => {
  const { store, port } = await open(context, QUICK);
  const proxy = await lossyProxy(context, port, { ...LOSSY, seed: 1 });
  let timeouts = 0;
  const clients = Array.from({ length: 25 }, async (_, index) => {
    const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }), { timing: QUICK });
    const peer = await endpoint.connect({ address: "127.0.0.1", port: proxy.port });
    for (let count = 0; count < 20; count++) {
      const path = [`${index}-${count}`];
      try {
        const answer = await endpoint.request(peer, { method: "0.02", path, payload: Buffer.from("x") });
        // 2.04 would say that it was there: that it was handled twice.
        assert.equal(answer.code, "2.01");
      } catch (error) {
        assert.ok(error instanceof CoapError && error.code === "TIMEOUT", String(error));
        timeouts++;
      }
    }
    await endpoint.close();
  });
  await Promise.all(clients);
  assert.ok(proxy.counters.lost > 150, JSON.stringify(proxy.counters));
  assert.ok(timeouts <= 15, `${timeouts} timeouts`);
  const paths = store.asked.map(({ path }) => path.join());
  assert.equal(new Set(paths).size, paths.length);
  assert.ok(paths.length >= 500 - timeouts);
  context.diagnostic(`${timeouts} timeouts, ${JSON.stringify(proxy.counters)}`);
});

/** The runs that came to their end; the others gave up after the last retransmission, as 6 of 1,000 exchanges do. */
function most<Run>(runs: readonly (Run | undefined)[]): Run[] {
  const ended = runs.filter((run) => run !== undefined);
  assert.ok(ended.length >= runs.length - 2, `${ended.length} of ${runs.length}`);
  return ended;
}

test("libcoap's client gets its bodies through, each handled once", needs("coap-client-notls"), async (context) => {
  const { store, port } = await open(context);
  const file = await payloadFile(context, BODY);
  const all = Array.from({ length: 6 }, async (_, index) => {
    const proxy = await lossyProxy(context, port, { ...LOSSY, seed: 100 + index });
    const { codes, text } = await askByLibcoap(`coap://127.0.0.1:${proxy.port}/${index}`, ["-m", "put", "-f", file]);
    if (codes.length === 0) return undefined;
    assert.equal(codes.at(-1), "2.01", text);
    return index;
  });
  for (const index of most(await Promise.all(all)))
    assert.deepEqual(store.resources.get(String(index)), Uint8Array.from(BODY));
  for (const body of store.resources.values()) assert.deepEqual(body, Uint8Array.from(BODY));
  assert.equal(store.asked.length, store.resources.size);
});

test("libcoap's server gets and gives a body of ours", needs("coap-server-notls"), async (context) => {
  const { port } = await startLibcoapServer(context, ["-d", "10"]);
  const all = Array.from({ length: 6 }, async (_, index) => {
    const proxy = await lossyProxy(context, port, { ...LOSSY, seed: 200 + index });
    const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }));
    context.after(() => endpoint.close());
    const peer = await endpoint.connect({ address: "127.0.0.1", port: proxy.port });
    const path = [`body${index}`];
    try {
      const put = await endpoint.request(peer, { method: "0.03", path, payload: BODY });
      assert.equal(put.code, "2.01");
      return await endpoint.request(peer, { method: "0.01", path });
    } catch (error) {
      assert.ok(error instanceof CoapError && error.code === "TIMEOUT", String(error));
      return undefined;
    }
  });
  for (const { payload } of most(await Promise.all(all))) assert.equal(Buffer.compare(payload, BODY), 0);
});
