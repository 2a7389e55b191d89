import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "../../src/gateway.js";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { startGatewayProcess } from "../support/gateway-process.js";
import { type Link, openLink } from "../support/link.js";
import { startMosquitto } from "../support/mosquitto.js";
import { collect, connectClient, type Heard } from "../support/mqtt.js";
import { firsts, numbersOf, publishNumbers, range } from "../support/numbers.js";
import { needs } from "../support/peers.js";
import { steadyPorts } from "../support/ports.js";
import { rawClient } from "../support/raw-mqtt.js";
import { type StartedUpstream, startStrictUpstream } from "../support/strict-upstream/started.js";

const QUICK = "failback: 1s, backoff: { min: 20ms, max: 200ms }";
/** Of the bridge, at every server. */
const CLIENT = "weir-g-up";

/** A server that can be away: what is behind it is ready before it is back. */
interface Door {
  readonly url: string;
  open(target: number): Promise<Link>;
  close(): Promise<void>;
}

async function doors(t: TestContext): Promise<[Door, Door]> {
  const [a = 0, b = 0] = await steadyPorts(2);
  const door = (port: number): Door => {
    let link: Link | undefined;
    const close = async (): Promise<void> => {
      await link?.close();
      link = undefined;
    };
    t.after(close);
    const open = async (target: number): Promise<Link> => {
      link = await openLink(target, port);
      return link;
    };
    return { url: `mqtt://127.0.0.1:${port}`, open, close };
  };
  return [door(a), door(b)];
}

/** A mosquitto, and all that it is given. */
async function heardBy(t: TestContext): Promise<{ port: number; heard: Heard[]; kill(): Promise<void> }> {
  const { url, kill } = await startMosquitto(t, "max_queued_messages 0\n");
  const subscriber = await connectClient(t, url);
  const { heard } = collect(subscriber);
  await subscriber.subscribeAsync("weir/n", { qos: 2 });
  return { port: Number(new URL(url).port), heard, kill };
}

/** Publishes in the background until it is told to stop; resolves with how many there were. */
async function publishing(t: TestContext, gateway: Gateway, qos: 1 | 2): Promise<{ stop(): Promise<number> }> {
  const client = await connectClient(t, gateway.listeners[0]);
  let sent = 0;
  let going = true;
  const run = (async (): Promise<number> => {
    for (; going; await sleep(10)) {
      await publishNumbers(client, "weir/n", qos, [sent, sent + 10]);
      sent += 10;
    }
    return sent;
  })();
  return {
    stop: () => {
      going = false;
      return run;
    },
  };
}

const upTo = (gateway: Gateway, times: number, what: string): Promise<void> =>
  eventually(() => count(gateway, "bridge_up") >= times, what);

/** QoS 2 messages that are never finished, under every packet id of the lane from here on. */
async function plant(port: number, ids: readonly number[]): Promise<void> {
  const client = await rawClient(port);
  client.send({ cmd: "connect", clientId: CLIENT, protocolVersion: 4, clean: false, keepalive: 0 });
  for (const messageId of ids) {
    client.send({
      cmd: "publish",
      topic: "weir/stale",
      payload: `${messageId}`,
      qos: 2,
      messageId,
      dup: false,
      retain: false,
    });
  }
  await client.settled();
  await client.drop();
}

/** Packet ids of lane 0, for sequences from 0 on. */
const IDS = range(0, 600).map((sequence) => 1 + 2 * sequence);

// They wait for `failback` most of the time.
describe("a bridge with two servers", { concurrency: 3 }, () => {
  test(
    "QoS 1: a server is killed, the next is taken, the first is back: nothing is lost",
    needs("mosquitto"),
    async (t) => {
      const [a, b] = await doors(t);
      const [first, second] = [await heardBy(t), await heardBy(t)];
      await a.open(first.port);
      await b.open(second.port);
      const gateway = await startGatewayWith(t, `[{ id: up, url: ["${a.url}", "${b.url}"], ${QUICK} }]`);
      const sender = await publishing(t, gateway, 1);
      await eventually(() => first.heard.length > 100, "the first carries");
      await Promise.all([first.kill(), a.close()]);
      await eventually(() => second.heard.length > 100, "the second carries");
      const again = await heardBy(t);
      await a.open(again.port);
      await eventually(() => again.heard.length > 100, "the first carries again");
      const sent = await sender.stop();
      const all = (): number[] => [first, second, again].flatMap(({ heard }) => numbersOf(heard, "weir/n"));
      await eventually(() => new Set(all()).size >= sent, "all have arrived");
      assert.deepEqual(firsts(all()), range(0, sent));
      assert.equal(count(gateway, "bridge_failback"), 1);
    },
  );

  test(
    "QoS 2: going back to the first server loses nothing and brings nothing twice",
    needs("mosquitto"),
    async (t) => {
      const [a, b] = await doors(t);
      const [first, second] = [await heardBy(t), await heardBy(t)];
      await b.open(second.port);
      const gateway = await startGatewayWith(t, `[{ id: up, url: ["${a.url}", "${b.url}"], ${QUICK} }]`);
      const sender = await publishing(t, gateway, 2);
      await eventually(() => second.heard.length > 100, "the second carries");
      await a.open(first.port);
      await eventually(() => first.heard.length > 100, "the first carries");
      const sent = await sender.stop();
      const all = (): number[] => [second, first].flatMap(({ heard }) => numbersOf(heard, "weir/n"));
      await eventually(() => all().length >= sent, "all have arrived");
      assert.deepEqual(all(), range(0, sent));
    },
  );

  test("preferred none: it stays where it is, though the first is well", async (t) => {
    const [a, b] = await doors(t);
    const [first, second] = [await startStrictUpstream(t), await startStrictUpstream(t)];
    await b.open(second.port);
    const both = `url: ["${a.url}", "${b.url}"], rules: [{ filter: weir/#, direction: out }], ${QUICK}`;
    // The second bridge shows that there was time enough to go back.
    const gateway = await startGatewayWith(t, `[{ id: stays, preferred: none, ${both} }, { id: goes, ${both} }]`);
    await upTo(gateway, 2, "both are at the second");
    await a.open(first.port);
    await upTo(gateway, 3, "one has gone back");
    const where = gateway.counters().filter(({ event }) => event === "bridge_failback");
    assert.deepEqual(
      where.map(({ at }) => at),
      ["bridge goes"],
    );
    const client = await connectClient(t, gateway.listeners[0]);
    await client.publishAsync("weir/n", "0", { qos: 1 });
    const takenOf = (upstream: StartedUpstream, bridge: string): boolean =>
      upstream
        .entries()
        .some(
          (entry) => entry.at === "publish" && entry.client === `weir-g-${bridge}` && entry.message.topic === "weir/n",
        );
    await eventually(() => takenOf(second, "stays") && takenOf(first, "goes"), "each carries to its own");
  });

  test("a stale session of a former life swallows nothing, at any of the servers", async (t) => {
    const [a, b] = await doors(t);
    const [first, second] = [await startStrictUpstream(t), await startStrictUpstream(t)];
    await Promise.all([plant(first.port, IDS), plant(second.port, IDS)]);
    await b.open(second.port);
    const gateway = await startGatewayWith(t, `[{ id: up, url: ["${a.url}", "${b.url}"], ${QUICK} }]`);
    const client = await connectClient(t, gateway.listeners[0]);
    await publishNumbers(client, "weir/n", 2, [0, 100]);
    await eventually(() => numbersOf(second.taken(), "weir/n").length >= 100, "the second has all");
    await a.open(first.port);
    await upTo(gateway, 2, "it is at the first");
    await publishNumbers(client, "weir/n", 2, [100, 200]);
    await eventually(() => numbersOf(first.taken(), "weir/n").length >= 100, "the first has all");
    assert.deepEqual(numbersOf(second.taken(), "weir/n"), range(0, 100));
    assert.deepEqual(numbersOf(first.taken(), "weir/n"), range(100, 200));
  });

  for (const restarted of [false, true]) {
    const what = restarted ? ", also when the gateway was killed meanwhile" : "";
    test(`a server that was left in the middle of QoS 2 gets a clean start before it is used again${what}`, async (t) => {
      const [a, b] = await doors(t);
      const [first, second] = [await startStrictUpstream(t, { delay: 5 }), await startStrictUpstream(t)];
      const link = await a.open(first.port);
      const gateway = await startGatewayProcess(t, `[{ id: up, url: ["${a.url}", "${b.url}"], ${QUICK} }]`);
      const client = await connectClient(t, gateway.url);
      await publishNumbers(client, "weir/n", 2, [0, 10]);
      await eventually(() => first.taken().length >= 10, "the first carries");
      // Nothing comes back any more: what goes up now is halfway for good.
      link.hold(true);
      await publishNumbers(client, "weir/n", 2, [10, 30]);
      if (restarted) await gateway.kill();
      await a.close();
      await b.open(second.port);
      if (restarted) await gateway.start();
      await eventually(() => numbersOf(second.taken(), "weir/n").length >= 20, "the second carries the rest");
      // What the bridge left there is not finished; and ids that it comes to later are taken as well.
      await plant(first.port, IDS);
      await a.open(first.port);
      await eventually(() => gateway.said.includes("bridge_failback"), "it goes back");
      const again = await connectClient(t, gateway.url);
      await publishNumbers(again, "weir/n", 2, [30, 60]);
      const taken = (): number[] => [...numbersOf(first.taken(), "weir/n"), ...numbersOf(second.taken(), "weir/n")];
      await eventually(() => new Set(taken()).size >= 60, "all have arrived").catch(() => {});
      assert.deepEqual(
        [...new Set(taken())].sort((x, y) => x - y),
        range(0, 60),
      );
    });
  }
});
