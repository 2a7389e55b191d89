import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  CoapError,
  type CoapHandler,
  type IncomingResponse,
  type Observer,
  openEndpoint,
  OPTION,
  uint,
} from "../../../../src/protocols/coap/index.js";
import { Network, type Path } from "../../../support/network.js";
import { type Random, seeded } from "../../../support/random.js";
import { VirtualTime } from "../../../support/virtual-time.js";

/** A fifth of the datagrams is lost each way, some come twice, and what was sent later may come sooner. */
const LOSSY: Path = { loss: 0.2, duplicates: 0.05, delay: [5, 400] };
/** RFC 7252 4.8.2, ms. */
const EXCHANGE_LIFETIME = 247_000;
const SEEDS = process.env["WEIR_SEED"] === undefined ? [1, 2, 3] : [Number(process.env["WEIR_SEED"])];
const SERVER = { address: "192.0.2.1", port: 5683 };

/** A server and clients on a network of this seed. Timers are virtual until the test ends. */
function setUp(context: TestContext, seed: number, handler: CoapHandler, path = LOSSY) {
  const time = new VirtualTime();
  const random = seeded(seed);
  const network = new Network(time, random, path);
  context.after(time.install());
  const failures: unknown[] = [];
  const options = {
    now: time.now,
    random: random.next,
    // A peer that has proved nothing gets small blocks: 100 kB would be 1,600 exchanges, too many for this loss.
    echo: "off" as const,
    maxBody: 200_000,
    maxAnswer: 200_000,
    onFailure: (why: unknown) => failures.push(why),
  };
  const server = openEndpoint(network.open(SERVER), { ...options, handler });
  const clients = Array.from({ length: 20 }, (_, index) =>
    openEndpoint(network.open({ address: "198.51.100.1", port: 1000 + index }), options),
  );
  return { time, random, network, server, clients, failures };
}

/** What became of a request: its answer, or that nobody answered. Anything else fails. */
async function outcomeOf(answer: Promise<IncomingResponse>): Promise<IncomingResponse | undefined> {
  try {
    return await answer;
  } catch (error) {
    assert.ok(error instanceof CoapError && error.code === "TIMEOUT", String(error));
    return undefined;
  }
}

function bodyOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.between(0, 255));
}

for (const seed of SEEDS) {
  test(`1,000 confirmable requests, seed ${seed}: each is answered or times out, and is handled once`, async (context) => {
    const handled = new Map<string, number>();
    const handler: CoapHandler = async ({ payload }) => {
      const text = Buffer.from(payload).toString();
      handled.set(text, (handled.get(text) ?? 0) + 1);
      // A quarter is answered in a message of its own.
      if (Number(text) % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 3000));
      return { code: "2.04", payload: `${text}!` };
    };
    const { time, clients, server, network, failures } = setUp(context, seed, handler);
    let timeouts = 0;
    let longest = 0;
    const ask = async (client: (typeof clients)[number], number: number): Promise<void> => {
      const begun = time.now();
      const peer = await client.connect(SERVER);
      const answer = await outcomeOf(
        client.request(peer, { method: "0.02", path: ["readings"], payload: Buffer.from(String(number)) }),
      );
      longest = Math.max(longest, time.now() - begun);
      const times = handled.get(String(number)) ?? 0;
      if (answer === undefined) {
        timeouts++;
        assert.ok(times <= 1, `${number} was handled ${times} times`);
        return;
      }
      assert.equal(Buffer.from(answer.payload).toString(), `${number}!`);
      assert.equal(times, 1, `${number} was handled ${times} times`);
    };
    const all = clients.map(async (client, index) => {
      for (let count = 0; count < 50; count++) await ask(client, index * 50 + count);
    });
    await time.until(Promise.all(all), 50 * EXCHANGE_LIFETIME);
    // Later copies of anything change nothing.
    await time.pass(EXCHANGE_LIFETIME);
    assert.ok([...handled.values()].every((times) => times === 1));
    // Of five transmissions all fail with 0.36 ** 5: 6 of 1,000 where the answer comes with the acknowledgement.
    assert.ok(timeouts <= 20, `${timeouts} timeouts`);
    assert.ok(longest <= EXCHANGE_LIFETIME, `one took ${longest} ms`);
    assert.ok(network.counters.lost > 300);
    assert.deepEqual(failures, []);
    assert.equal(server.state.unacknowledged, 0);
    assert.equal(server.state.pending, 0);
    context.diagnostic(`${timeouts} timeouts, longest ${Math.round(longest)} ms, ${JSON.stringify(network.counters)}`);
  });

  test(`bodies of 100 kB up, seed ${seed}: whole and once, or a time-out`, async (context) => {
    const got: Uint8Array[] = [];
    const { time, random, clients, failures } = setUp(context, seed, async ({ payload }) => {
      got.push(Uint8Array.from(payload));
      return { code: "2.04" };
    });
    const sent = clients.map(() => bodyOf(random, 100_000));
    const answers = await time.until(
      Promise.all(
        clients.map(async (client, index) =>
          outcomeOf(
            client.request(await client.connect(SERVER), {
              method: "0.03",
              path: ["body", String(index)],
              payload: sent[index] ?? new Uint8Array(0),
            }),
          ),
        ),
      ),
      100 * EXCHANGE_LIFETIME,
    );
    await time.pass(EXCHANGE_LIFETIME);
    const answered = answers.filter((answer) => answer !== undefined);
    assert.ok(answered.every(({ code }) => code === "2.04"));
    // What was delivered is what was sent; who got no answer may have delivered it all the same, once.
    const delivered = got.map((body) => sent.findIndex((one) => Buffer.compare(one, body) === 0));
    assert.ok(!delivered.includes(-1), "a body was delivered that nobody sent");
    assert.equal(new Set(delivered).size, delivered.length, "a body was delivered twice");
    for (const [index, answer] of answers.entries()) if (answer !== undefined) assert.ok(delivered.includes(index));
    // 98 exchanges of which each fails with 0.6 %: a little more than half of the transfers get through.
    assert.ok(answered.length >= 5, `${answered.length} of ${clients.length}`);
    assert.deepEqual(failures, []);
    context.diagnostic(`${answered.length} of ${clients.length} answered, after ${Math.round(time.now() / 1000)} s`);
  });

  test(`bodies of 100 kB down, seed ${seed}: whole, or a time-out`, async (context) => {
    const body = bodyOf(seeded(seed), 100_000);
    const { time, clients, failures } = setUp(context, seed, async () => ({ code: "2.05", payload: body }));
    const answers = await time.until(
      Promise.all(
        clients.map(async (client) =>
          outcomeOf(client.request(await client.connect(SERVER), { method: "0.01", path: ["body"] })),
        ),
      ),
      100 * EXCHANGE_LIFETIME,
    );
    const answered = answers.filter((answer) => answer !== undefined);
    for (const { payload } of answered) assert.equal(Buffer.compare(payload, body), 0);
    assert.ok(answered.length >= 5, `${answered.length} of ${clients.length}`);
    assert.deepEqual(failures, []);
    context.diagnostic(`${answered.length} of ${clients.length} answered, after ${Math.round(time.now() / 1000)} s`);
  });

  test(`200 notifications, seed ${seed}: newer and newer states, and at the end the last one`, async (context) => {
    const observers = new Set<Observer>();
    let state = 0;
    const content = () => ({ code: "2.05" as const, payload: String(state), options: [uint(OPTION.maxAge, 60)] });
    const { time, clients, failures, server } = setUp(context, seed, async ({ observe }) =>
      observe !== "register"
        ? content()
        : {
            ...content(),
            observe: (observer) => {
              observers.add(observer);
              return () => observers.delete(observer);
            },
          },
    );
    let ended = 0;
    const seen = await Promise.all(
      clients.map(async (client) => {
        const states: number[] = [];
        const peer = await client.connect(SERVER);
        // As whoever keeps up an observation does.
        const observe = (): void =>
          void client.observe(
            peer,
            { method: "0.01", path: ["state"] },
            {
              next: ({ payload }) => void states.push(Number(Buffer.from(payload).toString())),
              ended: () => {
                ended++;
                observe();
              },
            },
          );
        observe();
        return states;
      }),
    );
    await time.pass(120_000);
    let outcomes = 0;
    for (state = 1; state <= 200; state++) {
      for (const observer of observers)
        void observer.notify(content()).then(() => {
          outcomes++;
        });
      if (state < 200) await time.pass(2500);
    }
    state = 200;
    // The last notification may be lost for good; then the state is as old as Max-Age says until the client renews.
    await time.pass(3 * EXCHANGE_LIFETIME);
    for (const states of seen) {
      assert.equal(states.at(-1), 200, `the last states are ${states.slice(-5).join()}`);
      const renewed = states.filter((one, index) => index > 0 && one < (states[index - 1] ?? 0));
      assert.deepEqual(renewed, [], "an older state came after a newer one");
      assert.ok(states.length > 50, `${states.length} states`);
    }
    assert.ok(outcomes > 3000, `${outcomes} notifications have an outcome`);
    assert.equal(server.state.unacknowledged, 0);
    assert.deepEqual(failures, []);
    context.diagnostic(`${ended} observations ended, ${Math.min(...seen.map(({ length }) => length))} states at least`);
  });
}
