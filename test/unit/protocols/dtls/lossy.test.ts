import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { CoapError, type CoapHandler, type Observer, openEndpoint } from "../../../../src/protocols/coap/index.js";
import type { Peer } from "../../../../src/protocols/datagram/index.js";
import { DtlsError, type DtlsOptions, openDtls } from "../../../../src/protocols/dtls/index.js";
import { Network, type Path } from "../../../support/network.js";
import { seeded } from "../../../support/random.js";
import { VirtualTime } from "../../../support/virtual-time.js";

/** A fifth of the datagrams is lost each way, some come twice, and what was sent later may come sooner. */
const LOSSY: Path = { loss: 0.2, duplicates: 0.05, delay: [5, 400] };
/** RFC 6347 4.2.4.1 with the timers of this library: 1 + 2 + 4 + ... + 60 s, ms. */
const PATIENCE = 243_000;
const SEEDS = process.env["WEIR_SEED"] === undefined ? [1, 2, 3] : [Number(process.env["WEIR_SEED"])];
const SERVER = { address: "192.0.2.1", port: 5684 };
const KEY = Buffer.from("a key of sixteen");
const CLIENTS = 100;

/** A server and clients that speak CoAP over DTLS, each with an identity of its own, on a network of this seed. */
function setUp(context: TestContext, seed: number, handler: CoapHandler) {
  const time = new VirtualTime();
  const random = seeded(seed);
  const network = new Network(time, random, LOSSY);
  context.after(time.install());
  const failures: unknown[] = [];
  const options = { now: time.now, random: random.next, onFailure: (why: unknown) => failures.push(why) };
  const over = (settings: DtlsOptions, address: string, port: number) => {
    const under = network.open({ address, port });
    return { under, dtls: openDtls(settings, under) };
  };
  const lookup = (identity: string) => (identity.startsWith("device-") ? KEY : undefined);
  const { dtls } = over({ server: { psk: { lookup } } }, SERVER.address, SERVER.port);
  const server = openEndpoint(dtls, { ...options, handler });
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const psk = { identity: `device-${index}`, key: KEY };
    const client = over({ client: () => ({ psk }) }, "198.51.100.1", 1000 + index);
    return { ...client, endpoint: openEndpoint(client.dtls, options) };
  });
  return { time, network, server, dtls, clients, failures };
}

/**
 * The session with the server. One flight of 10,000 is lost nine times in a row: then a handshake ends with TIMEOUT, and is begun anew
 * as whoever keeps up a link does, once.
 */
async function connect(endpoint: { connect(to: typeof SERVER): Promise<Peer> }): Promise<Peer> {
  try {
    return await endpoint.connect(SERVER);
  } catch (error) {
    assert.ok(error instanceof DtlsError && error.code === "TIMEOUT", String(error));
    return endpoint.connect(SERVER);
  }
}

for (const seed of SEEDS) {
  test(`${CLIENTS} handshakes and 1,000 requests, seed ${seed}: every one completes, and is handled once`, async (context) => {
    const handled = new Map<string, number>();
    const { time, dtls, clients, network, failures } = setUp(context, seed, async ({ peer, payload }) => {
      const identity = peer.identity?.kind === "psk" ? peer.identity.identity : "nobody";
      const text = `${identity} ${Buffer.from(payload)}`;
      handled.set(text, (handled.get(text) ?? 0) + 1);
      return { code: "2.04", payload: text };
    });
    let longest = 0;
    let timeouts = 0;
    const all = clients.map(async ({ endpoint }, index) => {
      const peer = await connect(endpoint);
      longest = Math.max(longest, time.now());
      for (let count = 0; count < 10; count++) {
        const said = `device-${index} ${count}`;
        try {
          const request = { method: "0.02", path: ["readings"], payload: Buffer.from(String(count)) } as const;
          const answer = await endpoint.request(peer, request);
          assert.equal(Buffer.from(answer.payload).toString(), said);
          assert.equal(handled.get(said), 1);
        } catch (error) {
          assert.ok(error instanceof CoapError && error.code === "TIMEOUT", String(error));
          timeouts++;
        }
      }
    });
    await time.until(Promise.all(all), 20 * PATIENCE);
    assert.ok(longest <= 2 * PATIENCE, `a handshake took ${longest} ms`);
    assert.ok(timeouts <= 20, `${timeouts} timeouts`);
    assert.ok([...handled.values()].every((times) => times === 1));
    // A client that did not hear that it was done began again at the most; nobody's session was lost over it.
    assert.equal(dtls.sizes.open, CLIENTS);
    assert.equal(dtls.sizes.shaking, 0);
    assert.deepEqual(failures, []);
    const { lost, sent } = network.counters;
    context.diagnostic(`longest handshake ${Math.round(longest)} ms, ${timeouts} timeouts, ${lost} of ${sent} lost`);
  });

  test(`devices behind NAT, seed ${seed}: sessions and observations go on from other ports (RFC 9146)`, async (context) => {
    const observers = new Map<string, Observer>();
    const { time, network, dtls, clients, failures } = setUp(context, seed, async ({ peer }) => ({
      code: "2.05",
      payload: "0",
      observe: (observer) => {
        observers.set(peer.id, observer);
        return () => void observers.delete(peer.id);
      },
    }));
    const seen = await time.until(
      Promise.all(
        clients.map(async ({ endpoint }) => {
          const states: number[] = [];
          const peer = await connect(endpoint);
          const registered = new Promise<void>((resolve, reject) => {
            endpoint.observe(
              peer,
              { method: "0.01", path: ["state"] },
              {
                next: ({ payload }) => {
                  states.push(Number(Buffer.from(payload).toString()));
                  resolve();
                },
                ended: (why) => reject(new Error(`ended: ${why instanceof CoapError ? why.code : why.code}`)),
              },
            );
          });
          await registered.catch(() => {});
          return { states, peer, endpoint };
        }),
      ),
      10 * PATIENCE,
    );
    const before = dtls.counters.opened;
    for (const [index, { under }] of clients.entries())
      network.move(under, { address: "203.0.113.9", port: 20_000 + index });
    // The device speaks first: until then nobody knows where it went.
    await time.until(
      Promise.allSettled(seen.map(({ endpoint, peer }) => endpoint.request(peer, { method: "0.02", path: ["hello"] }))),
      10 * PATIENCE,
    );
    for (const observer of observers.values()) void observer.notify({ code: "2.05", payload: "1" });
    await time.pass(PATIENCE);
    const heard = seen.filter(({ states }) => states.includes(1)).length;
    // Registration, request and notification are three exchanges, of which 6 of 1,000 fail; it is no matter of the port.
    assert.ok(heard >= CLIENTS - 10, `${heard} of ${CLIENTS} heard of the new state`);
    assert.ok(dtls.counters.moved >= CLIENTS, `${dtls.counters.moved} moved`);
    assert.equal(dtls.counters.opened, before, "nobody shook hands again");
    assert.equal(dtls.sizes.open, CLIENTS);
    assert.deepEqual(failures, []);
    context.diagnostic(`${heard} of ${CLIENTS} heard, ${dtls.counters.moved} moves`);
  });
}
