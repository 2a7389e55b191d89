import assert from "node:assert/strict";
import { test } from "node:test";
import { Network, type Path, peerAt } from "../../support/network.js";
import { seeded } from "../../support/random.js";
import { VirtualTime } from "../../support/virtual-time.js";

const [HERE, THERE] = [
  { address: "192.0.2.1", port: 1 },
  { address: "192.0.2.2", port: 2 },
];

/** What comes in of `count` datagrams, and when. */
async function play(path: Path, count: number, seed = 1) {
  const time = new VirtualTime();
  const network = new Network(time, seeded(seed), path);
  const [sender, receiver] = [network.open(HERE), network.open(THERE)];
  const got: { readonly number: number; readonly at: number; readonly from: string }[] = [];
  receiver.listen({
    datagram: (bytes, { id }) => void got.push({ number: bytes[0] ?? 0, at: time.now(), from: id }),
  });
  for (let number = 0; number < count; number++) sender.send(Uint8Array.of(number), peerAt(THERE));
  await time.pass(1000);
  return { got, network, time, sender, receiver };
}

test("without losses all come, in order, after their delay", async () => {
  const { got } = await play({ delay: [7, 7] }, 3);
  assert.deepEqual(
    got,
    [0, 1, 2].map((number) => ({ number, at: 7, from: "192.0.2.1:1" })),
  );
});

test("losses, duplicates and order are those of the seed", async () => {
  const path = { loss: 0.2, duplicates: 0.1, delay: [1, 100] } as const;
  const [first, again, other] = [await play(path, 200), await play(path, 200), await play(path, 200, 2)];
  assert.deepEqual(first.got, again.got);
  assert.notDeepEqual(first.got, other.got);
  const { sent, lost, twice, delivered } = first.network.counters;
  assert.equal(sent + twice - lost, delivered);
  assert.ok(lost > 20 && lost < 70 && twice > 5, JSON.stringify(first.network.counters));
  const numbers = first.got.map(({ number }) => number);
  assert.notDeepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  assert.ok(first.got.every(({ at }) => at >= 1 && at <= 100));
});

test("what is longer than the path takes is lost", async () => {
  const { network, sender, time, got } = await play({ mtu: 10 }, 0);
  sender.send(new Uint8Array(11), peerAt(THERE));
  sender.send(new Uint8Array(10), peerAt(THERE));
  await time.pass(100);
  assert.equal(got.length, 1);
  assert.equal(network.counters.tooLong, 1);
});

test("who moved is found, and seen, at the new place only", async () => {
  const { network, sender, receiver, time, got } = await play({}, 0);
  let back = 0;
  sender.listen({ datagram: () => back++ });
  network.move(sender, { address: "192.0.2.9", port: 9 });
  sender.send(Uint8Array.of(1), peerAt(THERE));
  receiver.send(Uint8Array.of(1), peerAt(HERE));
  await time.pass(100);
  assert.deepEqual([got[0]?.from, back], ["192.0.2.9:9", 0]);
  receiver.send(Uint8Array.of(1), peerAt({ address: "192.0.2.9", port: 9 }));
  await time.pass(100);
  assert.equal(back, 1);
  await sender.close();
  receiver.send(Uint8Array.of(1), peerAt({ address: "192.0.2.9", port: 9 }));
  await time.pass(100);
  assert.equal(back, 1);
});

test("timers run in the order of their times, and can be ended; time passes without waiting", async () => {
  const time = new VirtualTime();
  const uninstall = time.install();
  const order: string[] = [];
  const begun = performance.now();
  try {
    for (const ms of [500, 3, 3_000_000, 40, 7, 9000, 1]) setTimeout(() => order.push(`${ms}@${time.now()}`), ms);
    clearTimeout(setTimeout(() => order.push("never"), 5));
    const nested = new Promise((resolve) => setTimeout(() => setTimeout(resolve, 10), 10));
    await time.until(nested);
    assert.equal(time.now(), 20);
    assert.equal(performance.now(), 20);
    await time.pass(4_000_000);
  } finally {
    uninstall();
  }
  assert.deepEqual(order, ["1@1", "3@3", "7@7", "40@40", "500@500", "9000@9000", "3000000@3000000"]);
  assert.equal(time.now(), 4_000_020);
  assert.ok(performance.now() - begun < 5000);
});

test("what never settles is told: when nothing is left to happen, and after the limit", async () => {
  const time = new VirtualTime();
  await assert.rejects(time.until(new Promise(() => {})), /still waiting after 0 ms/);
  const again = (): void => time.after(60_000, again);
  again();
  await assert.rejects(time.until(new Promise(() => {}), 600_000), /still waiting after 600000 ms/);
});
