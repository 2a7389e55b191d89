import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import type { Address, DatagramReceiver, DatagramTransport, Peer } from "../../src/protocols/datagram/index.js";
import {
  DtlsError,
  type DtlsOptions,
  type DtlsTransport,
  openDtls,
  ownRawPublicKey,
  SUITES,
  trustIn,
} from "../../src/protocols/dtls/index.js";
import { damaged } from "../support/damage.js";
import { heldBytes } from "../support/memory.js";
import { peerAt } from "../support/network.js";
import { type Random, seeded } from "../support/random.js";
import { VirtualTime } from "../support/virtual-time.js";

const DATAGRAMS = 200_000;
/** Datagrams before memory is measured first: compiled code is there then, and every cache is full. */
const WARM_UP = 80_000;
/** Bytes. Keeping thirty of every datagram would come to more. */
const GROWTH = 3 * 1024 * 1024;
const LIMITS = { halfOpen: 20, halfOpenPerAddress: 20, open: 10, resumable: 10 };
const SERVER = { address: "192.0.2.1", port: 5684 };
const CLIENTS = 6;
const KEY = Buffer.from("a key of sixteen");

/** All datagrams between two go through this: it can lose, keep, change, repeat and move them. */
class Middle {
  readonly queue: { readonly bytes: Uint8Array; readonly from: Address; readonly to: Address }[] = [];
  readonly kept: { readonly bytes: Uint8Array; readonly from: Address; readonly to: Address }[] = [];
  readonly #receivers = new Map<string, DatagramReceiver>();
  delivered = 0;

  open(local: Address): DatagramTransport {
    return {
      local,
      listen: (receiver) => void this.#receivers.set(`${local.address}:${local.port}`, receiver),
      connect: async (to) => peerAt(to),
      send: (bytes, to) => {
        const one = { bytes: Uint8Array.from(bytes), from: local, to: { address: to.address, port: to.port } };
        // What nobody would keep is lost.
        if (this.queue.length < 200) this.queue.push(one);
        this.kept.push(one);
        if (this.kept.length > 200) this.kept.splice(0, 50);
      },
      unsent: 0,
      closed: new Promise(() => {}),
      close: async () => {},
    };
  }

  deliver(bytes: Uint8Array, from: Address, to: Address): void {
    this.delivered++;
    this.#receivers.get(`${to.address}:${to.port}`)?.datagram(bytes, peerAt(from), false);
  }

  /** The next that happens to anything: most of what was sent arrives, with much beside it. */
  step(random: Random): void {
    const next = this.queue.shift();
    if (next !== undefined && random.chance(0.75)) this.deliver(next.bytes, next.from, next.to);
    // Of what is under way, or was: handshakes in progress, records of open sessions, with connection ids or without.
    for (let count = random.between(1, 3); count > 0 && this.kept.length > 0; count--) {
      const recent = Math.max(0, this.kept.length - 20);
      const one = this.kept[random.between(random.chance(0.7) ? recent : 0, this.kept.length - 1)];
      if (one === undefined) continue;
      const from = random.chance(0.1) ? { address: "203.0.113.7", port: random.between(1, 5) } : one.from;
      const backwards = random.chance(0.05);
      const bytes = random.chance(0.85) ? damaged(one.bytes, random) : one.bytes;
      this.deliver(bytes, backwards ? one.to : from, backwards ? one.from : one.to);
    }
  }
}

function rawKey(): { readonly privateKey: KeyObject; readonly fingerprint: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { privateKey, fingerprint: createHash("sha256").update(spki).digest("hex") };
}

test(`${DATAGRAMS} datagrams through one who changes them: no exception, all bounded, nothing forged, memory flat`, async (context) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this, but for the keys`);
  const random = seeded(seed);
  const time = new VirtualTime();
  context.after(time.install());
  const middle = new Middle();
  const [serverKey, clientKey] = [rawKey(), rawKey()];
  const serverOptions: DtlsOptions = {
    server: { psk: { lookup: (identity) => (identity.startsWith("device-") ? KEY : undefined) } },
    keys: [ownRawPublicKey(serverKey.privateKey)],
    trust: trustIn([], [clientKey.fingerprint]),
    limits: LIMITS,
    idle: 600_000,
  };
  const server = openDtls(serverOptions, middle.open(SERVER));

  /** What was said to whom, and what of it came: each at most once, and nothing that nobody said. */
  const said = { up: new Set<string>(), down: new Set<string>() };
  const counted = { up: 0, down: 0, opened: 0, failed: new Map<string, number>(), unexpected: [] as string[] };
  const hear = (way: "up" | "down", bytes: Uint8Array): void => {
    const text = Buffer.from(bytes).toString("latin1");
    if (said[way].delete(text)) counted[way]++;
    else counted.unexpected.push(`${way} ${text}`);
  };
  let number = 0;
  const say = (way: "up" | "down", transport: DtlsTransport, peer: Peer): void => {
    const text = `${way} ${number++} ${"x".repeat(random.between(0, 60))}`;
    said[way].add(text);
    // Those that were lost are not to come later than this.
    if (said[way].size > 500) for (const oldest of said[way]) if (said[way].delete(oldest)) break;
    transport.send(Buffer.from(text), peer);
  };
  const atServer = new Map<string, Peer>();
  server.listen({
    datagram: (bytes, peer) => {
      atServer.set(peer.id, peer);
      hear("up", bytes);
    },
    gone: ({ id }) => void atServer.delete(id),
  });

  const exchanges = ["psk", "ecdhe_psk", "ecdhe_ecdsa"] as const;
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const suites = SUITES.filter(({ keyExchange }) => keyExchange === exchanges[index % exchanges.length]);
    const options: DtlsOptions = {
      client: () => ({ psk: { identity: `device-${index}`, key: KEY } }),
      keys: [ownRawPublicKey(clientKey.privateKey)],
      trust: trustIn([], [serverKey.fingerprint]),
      suites,
      // Half of them resume their sessions, the others shake hands in full each time.
      limits: { ...LIMITS, resumable: index % 2 === 0 ? LIMITS.resumable : 0 },
      // Half of them want connection ids for themselves, one of them in datagrams that are cut small.
      cidLength: index < 3 ? 8 : 0,
      mtu: index === 4 ? 200 : 1200,
    };
    const transport = openDtls(options, middle.open({ address: "198.51.100.1", port: 1000 + index }));
    let peer: Peer | undefined;
    let connecting = false;
    transport.listen({
      datagram: (bytes) => hear("down", bytes),
      gone: () => {
        peer = undefined;
      },
    });
    const connect = (): void => {
      connecting = true;
      transport.connect(SERVER).then(
        (connected) => {
          connecting = false;
          counted.opened++;
          peer = connected;
        },
        (error) => {
          connecting = false;
          assert.ok(error instanceof DtlsError, String(error));
          counted.failed.set(error.code, (counted.failed.get(error.code) ?? 0) + 1);
        },
      );
    };
    return {
      transport,
      act: () => {
        if (peer === undefined) {
          if (!connecting) connect();
        } else if (random.chance(0.03)) {
          transport.disconnect(peer);
          peer = undefined;
        } else say("up", transport, peer);
      },
    };
  });

  let before = 0;
  let next = WARM_UP;
  while (middle.delivered < DATAGRAMS) {
    if (middle.delivered >= next) {
      before = heldBytes();
      next = Number.POSITIVE_INFINITY;
    }
    if (random.chance(0.3)) random.pick(clients as [(typeof clients)[number]]).act();
    if (random.chance(0.1)) for (const peer of atServer.values()) if (random.chance(0.2)) say("down", server, peer);
    middle.step(random);
    await time.pass(random.between(1, 60));
    for (const { sizes } of [server, ...clients.map(({ transport }) => transport)])
      assert.ok(
        sizes.open <= LIMITS.open && sizes.shaking <= 2 * LIMITS.halfOpen && sizes.resumable <= 2 * LIMITS.resumable,
        JSON.stringify(sizes),
      );
  }
  const growth = heldBytes() - before;
  assert.deepEqual(counted.unexpected.slice(0, 5), [], "what was not said, or came twice");
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
  const { counters } = server;
  context.diagnostic(JSON.stringify({ ...counted, failed: Object.fromEntries(counted.failed), growth }));
  context.diagnostic(JSON.stringify(counters));
  // The storm gets far: sessions were opened, resumed, moved and ended, and records of each kind were refused.
  assert.ok(counted.opened > 50 && counted.up > 500 && counted.down > 100, JSON.stringify(counted));
  const { forged, replayed, malformed, unknown_address, cookie_sent, hello_accepted } = counters.records;
  for (const count of [forged, replayed, malformed, unknown_address, cookie_sent, hello_accepted, counters.resumed])
    assert.ok(count > 0, JSON.stringify(counters));
  // Once nobody disturbs them any more they get through.
  middle.queue.length = 0;
  await time.pass(300_000);
  const fresh = openDtls(
    { client: () => ({ psk: { identity: "device-x", key: KEY } }) },
    middle.open({ address: "198.51.100.9", port: 9 }),
  );
  let connected: Peer | undefined;
  void fresh.connect(SERVER).then((peer) => {
    connected = peer;
  });
  for (let count = 0; count < 100 && connected === undefined; count++) {
    for (let one = middle.queue.shift(); one !== undefined; one = middle.queue.shift())
      middle.deliver(one.bytes, one.from, one.to);
    await time.pass(100);
  }
  assert.ok(connected !== undefined, "a handshake that nobody disturbs completes");
});
