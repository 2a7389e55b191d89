/** Clients that mean harm, or are only broken: memory stays bounded, and the others are served meanwhile. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { Limits } from "../../src/broker/limits.js";
import type { Packet } from "../../src/protocols/mqtt/index.js";
import { type BrokerProcess, startBrokerProcess } from "../support/broker-process.js";
import { eventually } from "../support/eventually.js";
import { bytesOf, connectPacket, publishPacket, subscribePacket } from "../support/wire.js";
import { encode } from "../unit/protocols/mqtt/bytes.js";

const MIB = 2 ** 20;
/** ms in which somebody else's message must come through, on a machine with other work. */
const SERVED = 3_000;

const LIMITS: Partial<Limits> = {
  ...{ patience: 500, connectTimeout: 1_000, retainedMessages: 1_000, retainedSize: 4 * MIB, queuedSize: 16 * MIB },
  ...{ sessions: 100, inFlight: 100, queue: { messages: 1_000, size: 4 * MIB, whenFull: "drop-oldest" } },
};

/** A client whose socket nobody reads unless `reads`; what the broker does to it is seen in `closed`. */
class Attacker {
  readonly socket: Socket;
  closed = false;
  readBytes = 0;

  private constructor(socket: Socket, reads: boolean) {
    this.socket = socket;
    socket.on("error", () => {}); // its "close" follows
    socket.on("close", () => {
      this.closed = true;
    });
    if (reads) {
      socket.on("data", (chunk: Buffer) => {
        this.readBytes += chunk.length;
      });
    } else {
      socket.pause();
    }
  }

  static async open(t: TestContext, port: number, reads: boolean): Promise<Attacker> {
    const socket = connectSocket(port, "127.0.0.1");
    await once(socket, "connect");
    t.after(() => socket.destroy());
    return new Attacker(socket, reads);
  }

  write(...bytes: Uint8Array[]): void {
    if (!this.closed) for (const each of bytes) this.socket.write(each);
  }

  say(...packets: string[]): void {
    this.write(...packets.map(bytesOf));
  }

  /** Writes a chunk again and again: as long as the broker takes it, for so many ms or times. */
  async flood(
    chunk: Uint8Array | ((round: number) => Uint8Array),
    { ms = 3_000, times = Number.POSITIVE_INFINITY } = {},
  ): Promise<number> {
    const end = Date.now() + ms;
    let sent = 0;
    for (let round = 0; round < times && Date.now() < end && !this.closed; round++) {
      const bytes = typeof chunk === "function" ? chunk(round) : chunk;
      sent += bytes.length;
      if (this.socket.write(bytes)) {
        if (round % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
      } else {
        await Promise.race([
          once(this.socket, "drain").catch(() => {}),
          once(this.socket, "close").catch(() => {}),
          new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now())).unref()),
        ]);
      }
    }
    return sent - this.socket.writableLength;
  }
}

/** Publishes to itself again and again, until it is asked for the longest that a message took, in ms. */
async function probe(t: TestContext, port: number): Promise<() => Promise<number>> {
  const socket = connectSocket(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  let got = (): void => {};
  let received = Buffer.alloc(0);
  const message = bytesOf(publishPacket(4, "30", "probe", "!"));
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    const at = received.indexOf(message);
    if (at === -1) return;
    received = received.subarray(at + message.length);
    got();
  });
  socket.write(Buffer.concat([connectPacket(4, "probe"), subscribePacket(4, 1, "probe")].map(bytesOf)));
  let going = true;
  let longest = 0;
  const running = (async () => {
    while (going) {
      const began = Date.now();
      const back = new Promise<void>((resolve, reject) => {
        got = resolve;
        socket.once("close", () => reject(new Error("the probe was closed")));
        setTimeout(() => reject(new Error("the probe was not served")), 15_000).unref();
      });
      socket.write(message);
      await back;
      socket.removeAllListeners("close");
      longest = Math.max(longest, Date.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  running.catch(() => {});
  return async () => {
    going = false;
    await running;
    return longest;
  };
}

interface Attack {
  readonly name: string;
  readonly limits?: Partial<Limits>;
  /** MiB that it may cost: what is kept, and at the peak over the process at rest. */
  readonly keeps?: number;
  readonly peak?: number;
  readonly run: (t: TestContext, broker: BrokerProcess) => Promise<void>;
}

const C = (id: string, clean = true): Uint8Array => bytesOf(connectPacket(4, id, { clean }));
const packets = (version: 4 | 5, ...all: Packet[]): Uint8Array => encode(version, ...all);
const publish = (topic: string, payload: Uint8Array, qos: 0 | 1 | 2, packetId = 1, rest: object = {}): Packet =>
  ({
    kind: "publish",
    topic,
    payload,
    qos,
    retain: false,
    dup: false,
    ...(qos === 0 ? {} : { packetId }),
    ...rest,
  }) as Packet;
const subscribe = (packetId: number, filters: readonly string[], qos: 0 | 1 | 2 = 0): Packet => ({
  ...{ kind: "subscribe", packetId },
  subscriptions: filters.map((filter) => ({
    filter,
    qos,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  })),
});

async function sockets(t: TestContext, port: number, count: number, reads = true): Promise<Attacker[]> {
  return Promise.all(Array.from({ length: count }, () => Attacker.open(t, port, reads)));
}

const ATTACKS: readonly Attack[] = [
  {
    name: "a CONNECT of 256 MB, and 14 of 100 MB, are refused at their header",
    run: async (t, { port }) => {
      const all = await sockets(t, port, 15);
      for (const [index, each] of all.entries())
        each.write(Buffer.from(index === 0 ? [0x10, 0xff, 0xff, 0xff, 0x7f] : [0x10, 0x80, 0x84, 0xaf, 0x2f]));
      await Promise.all(all.slice(0, 3).map((each) => each.flood(new Uint8Array(65_536), { times: 400 })));
      await eventually(() => all.every((each) => each.closed), "all are closed");
    },
  },
  {
    name: "300 connections without CONNECT, and as many that send it byte by byte, are closed in time",
    run: async (t, { port }) => {
      const [silent, slow] = [await sockets(t, port, 300), await sockets(t, port, 300)];
      const bytes = C("x".repeat(100));
      let at = 0;
      const drip = setInterval(() => {
        for (const each of slow) each.write(bytes.subarray(at, at + 1));
        at++;
      }, 100);
      t.after(() => clearInterval(drip));
      await eventually(() => [...silent, ...slow].every((each) => each.closed), "all are closed", 6_000);
    },
  },
  {
    name: "65,535 half-open QoS 2 exchanges of each of 10 clients",
    keeps: 40,
    run: async (t, { port }) => {
      const all = await sockets(t, port, 10);
      for (const [index, each] of all.entries()) {
        each.write(C(`half${index}`));
        for (let first = 0; first < 65_535; first += 1_285) {
          const some = Array.from({ length: 1_285 }, (_, n) => publish("a", new Uint8Array(1), 2, first + n + 1));
          each.write(packets(4, ...some));
        }
      }
      await eventually(() => all.every((each) => each.readBytes >= 4 + 65_535 * 4), "all have PUBREC");
    },
  },
  ...([0, 1, 2] as const).map(
    (qos): Attack => ({
      name: `a subscriber of QoS ${qos} that reads nothing, and five that publish to it`,
      keeps: 12,
      peak: 90,
      run: async (t, { port }) => {
        const stuck = await Attacker.open(t, port, false);
        stuck.write(C("stuck", qos === 0), packets(4, subscribe(1, ["a"], qos)));
        const flooders = await sockets(t, port, 5);
        for (const [index, each] of flooders.entries()) each.write(C(`f${index}`));
        const chunk = packets(4, ...Array.from({ length: 60 }, () => publish("a", new Uint8Array(1_000), 0, 0)));
        const more = packets(4, ...Array.from({ length: 60 }, (_, n) => publish("a", new Uint8Array(1_000), 1, n + 1)));
        await Promise.all(flooders.map((each) => each.flood(qos === 0 ? chunk : more)));
      },
    }),
  ),
  {
    name: "a client that reads everything and acknowledges nothing",
    keeps: 12,
    run: async (t, { port }) => {
      const client = await Attacker.open(t, port, true);
      client.write(C("mute", false), packets(4, subscribe(1, ["a"], 2)));
      const flooder = await Attacker.open(t, port, true);
      flooder.write(C("f"));
      await flooder.flood(packets(4, publish("a", new Uint8Array(60_000), 1)));
    },
  },
  {
    name: "sessions that are left with all that is on their way to them, one after the other",
    // Twice the budget: a payload may keep a chunk of up to twice its size.
    keeps: 40,
    run: async (t, { port }) => {
      for (let n = 0; n < 90; n++) {
        const client = await Attacker.open(t, port, true);
        client.write(C(`left${n}`, false), packets(4, subscribe(1, [`left/${n}`], 1)));
        for (let k = 0; k < 20; k++) client.write(packets(4, publish(`left/${n}`, new Uint8Array(100_000), 1, k + 1)));
        await eventually(() => client.readBytes >= 20 * 100_000 || n >= 8, "all are on their way to it");
        client.socket.end();
      }
    },
  },
  {
    name: "PINGREQ without end from one who reads no answer",
    keeps: 4,
    run: async (t, { port }) => {
      const client = await Attacker.open(t, port, false);
      client.write(C("ping"));
      const sent = await client.flood(Buffer.alloc(65_536, bytesOf("C0 00")), { ms: 4_000 });
      assert.ok(sent < 60 * MIB, `${sent} bytes were read of it`);
    },
  },
  {
    name: "SUBSCRIBE to everything retained, again and again, from one who reads nothing",
    keeps: 12,
    run: async (t, { port }) => {
      const keeper = await Attacker.open(t, port, true);
      keeper.write(C("keeper"));
      for (let n = 0; n < 200; n++)
        keeper.write(packets(4, publish(`r/${n}`, new Uint8Array(15_000), 1, n + 1, { retain: true })));
      await eventually(() => keeper.readBytes >= 4 + 200 * 4, "all are retained");
      for (const qos of [0, 1] as const) {
        const client = await Attacker.open(t, port, false);
        client.write(C(`again${qos}`));
        await client.flood(packets(4, ...Array.from({ length: 1_000 }, (_, n) => subscribe(n + 1, ["#"], qos))), {
          ms: 2_000,
        });
      }
    },
  },
  {
    name: "filters by the hundred thousand, of 64 kB, and of 65,535 levels",
    keeps: 90,
    run: async (t, { port }) => {
      const [many, long, deep] = [
        await Attacker.open(t, port, true),
        await Attacker.open(t, port, true),
        await Attacker.open(t, port, true),
      ];
      many.write(C("many"));
      await many.flood(
        (round) =>
          packets(
            4,
            subscribe(
              1,
              Array.from({ length: 500 }, (_, n) => `${round}/${n}`),
            ),
          ),
        { times: 200 },
      );
      long.write(C("long"));
      await long.flood((round) => packets(4, subscribe(1, [`${round}/${"x".repeat(65_000)}`])), { times: 1_500 });
      deep.write(C("deep"));
      await deep.flood(packets(4, subscribe(1, ["/".repeat(65_535)])), { times: 100, ms: 15_000 });
      await eventually(() => deep.closed, "it is cut off");
    },
  },
  {
    name: "retained messages by the hundred thousand, and large ones",
    keeps: 12,
    run: async (t, broker) => {
      const client = await Attacker.open(t, broker.port, true);
      client.write(C("keeper"));
      const one = (topic: string, length: number): Packet =>
        publish(topic, new Uint8Array(length), 0, 0, { retain: true });
      await client.flood((round) => packets(4, ...Array.from({ length: 500 }, (_, n) => one(`${round}/${n}`, 10))), {
        times: 200,
        ms: 8_000,
      });
      await client.flood((round) => packets(4, one(`${round}`, 1_000_000)), { times: 50 });
      await eventually(async () => (await broker.events("retained_refused")) > 0, "some are refused");
    },
  },
  {
    name: "5,000 client ids, each with a session that is to last",
    keeps: 12,
    run: async (t, broker) => {
      for (let n = 0; n < 5_000; n += 100) {
        const some = await sockets(t, broker.port, 100);
        for (const [index, each] of some.entries()) each.write(C(`churn${n + index}`, false));
        await eventually(() => some.every((each) => each.readBytes >= 4), "all are answered");
        for (const each of some) each.socket.destroy();
      }
      assert.ok((await broker.events("client_refused")) > 4_000);
    },
  },
  {
    name: "a megabyte of user properties in messages that are retained, queued and delivered",
    keeps: 24,
    run: async (t, { port }) => {
      const away = await Attacker.open(t, port, true);
      away.write(C("away", false), packets(4, subscribe(1, ["#"], 1)));
      await eventually(() => away.readBytes >= 9, "it is subscribed");
      away.socket.end();
      const client = await Attacker.open(t, port, true);
      client.write(bytesOf(connectPacket(5, "bomber")));
      const userProperties = Array.from({ length: 100_000 }, () => ["a", "b"] as const);
      const bomb = (topic: string): Packet =>
        publish(topic, new Uint8Array(1), 1, 1, { retain: true, properties: { userProperties } });
      await client.flood((round) => packets(5, bomb(`p/${round}`)), { times: 60, ms: 10_000 });
    },
  },
  {
    name: "half a million topics that nobody knows",
    keeps: 40,
    run: async (t, { port }) => {
      const listener = await Attacker.open(t, port, true);
      listener.write(C("all"), packets(4, subscribe(1, ["x/#"])));
      const client = await Attacker.open(t, port, true);
      client.write(C("topics"));
      const topics = (round: number): Uint8Array =>
        packets(4, ...Array.from({ length: 500 }, (_, n) => publish(`x/${round}/${n}`, new Uint8Array(1), 0, 0)));
      await client.flood(topics, { times: 1_000, ms: 15_000 });
      await client.flood((round) => packets(4, publish(`${round}${"x".repeat(60_000)}`, new Uint8Array(1), 0, 0)), {
        times: 1_000,
      });
    },
  },
];

for (const { name, limits, keeps = 8, peak = 200, run } of ATTACKS) {
  test(`attack: ${name}`, async (t) => {
    const broker = await startBrokerProcess(t, { ...LIMITS, ...limits });
    const settled = await probe(t, broker.port);
    const before = { used: await broker.used(), peak: await broker.peak() };
    await run(t, broker);
    // Sockets that were closed a moment ago are let go soon.
    let kept = Number.POSITIVE_INFINITY;
    await eventually(async () => {
      kept = ((await broker.used()) - before.used) / MIB;
      return kept < keeps;
    }, `less than ${keeps} MiB are kept`);
    const most = ((await broker.peak()) - before.peak) / MIB;
    const longest = await settled();
    t.diagnostic(
      `keeps ${kept.toFixed(1)} MiB, ${most.toFixed(1)} MiB at the peak; the probe waited ${longest} ms at most`,
    );
    assert.ok(most < peak, `${most} MiB at the peak`);
    assert.ok(longest < SERVED, `the probe waited ${longest} ms`);
  });
}
