import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Code,
  CoapError,
  type CoapResponse,
  encodeMessage,
  type Message,
  type Observation,
  type Observer,
  OPTION,
  type Option,
  openEndpoint,
  OUTCOMES,
  parseMessage,
  uint,
} from "../../src/protocols/coap/index.js";
import { block } from "../../src/protocols/coap/options.js";
import type { DatagramReceiver, DatagramTransport, Peer } from "../../src/protocols/datagram/index.js";
import { damaged } from "../support/damage.js";
import { heldBytes } from "../support/memory.js";
import { type Random, seeded } from "../support/random.js";
import { VirtualTime } from "../support/virtual-time.js";

const DATAGRAMS = 200_000;
/** Datagrams before memory is measured first: compiled code is there then, and every ring is full. */
const WARM_UP = 80_000;
/** Bytes. Keeping thirty of every datagram would come to more. */
const GROWTH = 3 * 1024 * 1024;
const PEERS = 30;
/** Requests and observations of ours that are open at one time. */
const OPEN = 40;
const LIMITS = {
  maxBody: 4000,
  maxAnswer: 4000,
  maxPending: 8,
  maxTransfers: 8,
  maxAnswerBytes: 20_000,
  maxObservers: 50,
  maxObserversPerPeer: 4,
  maxRemembered: 1000,
  maxRememberedBytes: 50_000,
  maxRequests: 64,
  maxWaiting: 8,
  maxObservations: 16,
};

const peerOf = (number: number): Peer => {
  const port = number === 0 ? 0 : 1000 + number;
  return { id: `192.0.2.1:${port}`, address: "192.0.2.1", port };
};

interface Sent {
  readonly message: Message;
  readonly peer: Peer;
}

type Heard = "asked" | "observed" | "other";

/** What a peer says in a conversation, good or nearly: with the tokens and ids of what it was told. */
class Adversary {
  readonly #random: Random;
  /** The last requests of the endpoint, those of them that observe, and what else it sent: what answers can name. */
  readonly #heard: Readonly<Record<Heard, Sent[]>> = { asked: [], observed: [], other: [] };
  /** The last that were said, to be said again. */
  readonly #said: [Uint8Array, Peer][] = [];
  #messageId = 0;
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  hear(bytes: Uint8Array, peer: Peer): void {
    const parsed = parseMessage(bytes);
    assert.ok(parsed.ok, "what the endpoint sends is CoAP");
    const { message } = parsed;
    // Views of memory that is its sender's.
    const copy = {
      ...message,
      token: Uint8Array.from(message.token),
      options: message.options.map(({ number, value }) => ({ number, value: Uint8Array.from(value) })),
      payload: Uint8Array.from(message.payload.subarray(0, 64)),
    };
    const asks = message.code !== "0.00" && message.code.startsWith("0.");
    const observes = asks && message.options.some(({ number }) => number === OPTION.observe);
    const heard = this.#heard[observes ? "observed" : asks ? "asked" : "other"];
    heard.push({ message: copy, peer });
    if (heard.length > 40) heard.splice(0, 10);
  }

  next(): readonly [Uint8Array, Peer] {
    const random = this.#random;
    if (this.#said.length > 0 && random.chance(0.1)) return random.pick(this.#said as [[Uint8Array, Peer]]);
    const [bytes, peer] = this.#sound();
    const said: [Uint8Array, Peer] = [random.chance(0.3) ? damaged(bytes, random) : bytes, peer];
    this.#said.push(said);
    if (this.#said.length > 100) this.#said.splice(0, 50);
    return said;
  }

  #sound(): [Uint8Array, Peer] {
    const random = this.#random;
    const list = this.#heard[random.pick<Heard>(["asked", "asked", "observed", "other", "other"])];
    const heard = list[random.between(0, list.length - 1)];
    if (heard === undefined || random.chance(0.35)) return [this.#request(), peerOf(random.between(0, PEERS - 1))];
    // Now and then from elsewhere, which is nobody's answer.
    const peer = random.chance(0.05) ? peerOf(random.between(0, PEERS - 1)) : heard.peer;
    const { code } = heard.message;
    const message =
      code === "0.00" || !code.startsWith("0.") ? this.#settling(heard.message) : this.#answer(heard.message);
    return [Uint8Array.from(encodeMessage(message)), peer];
  }

  /** To a response or a notification: its acknowledgement, its reset, or a request for the next block of it. */
  #settling({ messageId, options }: Message): Message {
    const random = this.#random;
    const empty = {
      code: "0.00",
      messageId,
      token: new Uint8Array(0),
      options: [],
      payload: new Uint8Array(0),
    } as const;
    if (random.chance(0.6)) return { ...empty, type: random.chance(0.8) ? "ACK" : "RST" };
    const echoed = options.filter(({ number }) => number === 252 || number === OPTION.etag);
    const next = block(OPTION.block2, { num: random.between(0, 5), more: false, szx: random.between(0, 7) });
    return { ...this.#base("0.01", "big"), options: [path("big"), next, ...echoed] };
  }

  /** To a request: an answer, whole or a block of it, a state, or no answer at all. */
  #answer({ type, messageId, token, options }: Message): Message {
    const random = this.#random;
    const kind = random.between(0, 9);
    const empty = { messageId, token: new Uint8Array(0), options: [], payload: new Uint8Array(0) };
    if (kind === 0) return { ...empty, type: "ACK", code: "0.00" };
    if (kind === 1) return { ...empty, type: "RST", code: "0.00" };
    const own: Option[] = [];
    const block1 = options.find(({ number }) => number === OPTION.block1);
    if (block1 !== undefined && random.chance(0.9)) own.push(block1);
    if (options.some(({ number }) => number === OPTION.observe) ? random.chance(0.9) : random.chance(0.1))
      own.push(uint(OPTION.observe, random.chance(0.8) ? this.#sequence++ : random.between(0, 2 ** 24 - 1)));
    if (random.chance(0.3))
      own.push(
        block(OPTION.block2, {
          num: random.between(0, 4),
          more: random.chance(0.7),
          szx: random.pick([0, 0, 2, 6, 7]),
        }),
      );
    if (random.chance(0.2)) own.push({ number: OPTION.etag, value: Uint8Array.of(random.between(0, 1)) });
    if (random.chance(0.1)) own.push({ number: 252, value: Uint8Array.of(1, 2, 3) });
    if (random.chance(0.1)) own.push(uint(OPTION.size2, random.between(0, 9000)));
    if (random.chance(0.2)) own.push(uint(OPTION.maxAge, random.between(0, 100)));
    if (random.chance(0.03)) own.push(uint(random.between(1, 300), 1));
    const code =
      block1 !== undefined && random.chance(0.3)
        ? "2.31"
        : random.pick(["2.05", "2.05", "2.05", "2.04", "2.31", "4.01", "4.04", "4.08", "4.13", "5.03"] as const);
    const payload = new Uint8Array(random.pick([0, 3, 16, 16, 64, 1024])).fill(0x31);
    const piggybacked = type === "CON" && random.chance(0.7);
    return {
      type: piggybacked ? "ACK" : random.chance(0.6) ? "CON" : "NON",
      code,
      messageId: piggybacked ? messageId : this.#id(),
      token,
      options: own,
      payload,
    };
  }

  #request(): Uint8Array {
    const random = this.#random;
    const codes = ["0.01", "0.01", "0.02", "0.03", "0.04", "0.05", "0.00"] as const;
    const base = this.#base(random.pick(codes), random.pick(["state", "big", "slow", "fails", "sink"]));
    const options = [...base.options];
    if (random.chance(0.3)) options.push(uint(OPTION.observe, random.between(0, 1)));
    if (random.chance(0.3))
      options.push(
        block(OPTION.block1, {
          num: random.between(0, 3),
          more: random.chance(0.7),
          szx: random.pick([0, 0, 1, 7]),
        }),
      );
    if (random.chance(0.2))
      options.push(block(OPTION.block2, { num: random.between(0, 4), more: false, szx: random.between(0, 7) }));
    if (random.chance(0.1)) options.push({ number: 252, value: Uint8Array.of(9, 9) });
    if (random.chance(0.1)) options.push(uint(258, random.between(0, 31)));
    if (random.chance(0.1)) options.push({ number: 292, value: Uint8Array.of(random.between(0, 3)) });
    const payload = new Uint8Array(random.pick([0, 4, 16, 16, 32])).fill(0x32);
    if (base.code === "0.00")
      return Uint8Array.from(
        encodeMessage({ ...base, type: "CON", token: new Uint8Array(0), options: [], payload: new Uint8Array(0) }),
      );
    return Uint8Array.from(encodeMessage({ ...base, options, payload }));
  }

  #base(code: Code, resource: string): Message {
    const random = this.#random;
    return {
      type: random.chance(0.7) ? "CON" : "NON",
      code,
      messageId: this.#id(),
      token: Uint8Array.of(random.between(0, 8)),
      options: [path(resource)],
      payload: new Uint8Array(0),
    };
  }

  #id(): number {
    this.#messageId = (this.#messageId + 1) & 0xffff;
    return this.#messageId;
  }
}

function path(resource: string): Option {
  return { number: OPTION.uriPath, value: Buffer.from(resource) };
}

test(`${DATAGRAMS} datagrams of hostile conversations: no exception, all bounded, memory flat`, async (context) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
  context.diagnostic(`WEIR_SEED=${seed} repeats this`);
  const random = seeded(seed);
  const time = new VirtualTime();
  context.after(time.install());
  const adversary = new Adversary(random);
  const failures: unknown[] = [];
  let receiver: DatagramReceiver = { datagram: () => {} };
  const transport: DatagramTransport = {
    local: { address: "192.0.2.2", port: 5683 },
    listen: (to) => {
      receiver = to;
    },
    connect: async () => peerOf(1),
    send: (bytes, peer) => adversary.hear(bytes, peer),
    unsent: 0,
    closed: new Promise(() => {}),
    close: async () => {},
  };

  const observers = new Set<Observer>();
  const counted = { handled: 0, notified: 0, asked: 0, answered: 0, refused: new Map<string, number>(), states: 0 };
  const big = new Uint8Array(3000).fill(0x33);
  const endpoint = openEndpoint(transport, {
    ...LIMITS,
    now: time.now,
    random: random.next,
    onFailure: (why) => {
      if (String(why) !== "Error: meant") failures.push(why);
    },
    handler: async ({ path: [resource], payload }): Promise<CoapResponse> => {
      counted.handled++;
      switch (resource) {
        case "fails":
          throw new Error("meant");
        case "slow":
          await new Promise((resolve) => setTimeout(resolve, random.between(500, 5000)));
          return { code: "2.04" };
        case "big":
          return { code: "2.05", payload: big };
        case "state":
          return {
            code: "2.05",
            payload: "state",
            observe: (observer) => {
              observers.add(observer);
              return () => void observers.delete(observer);
            },
          };
        default:
          return { code: "2.04", payload };
      }
    },
  });

  let open = 0;
  const observations = new Set<Observation>();
  /** Ours: requests of every kind, and observations that are kept up and cancelled. */
  function ask(): void {
    open++;
    counted.asked++;
    const peer = peerOf(random.between(1, PEERS - 1));
    const method = random.pick(["0.01", "0.01", "0.02", "0.03", "0.05"] as const);
    const payload = new Uint8Array(random.pick([0, 0, 10, 1500, 3000])).fill(0x34);
    const controller = new AbortController();
    if (random.chance(0.05)) time.after(random.between(1, 3000), () => controller.abort());
    const asked = random.chance(0.1)
      ? endpoint.ping(peer)
      : endpoint.request(
          peer,
          { method, path: ["r"], payload, confirmable: random.chance(0.8) },
          { signal: controller.signal, ...(random.chance(0.2) ? { timeout: random.between(1, 20_000) } : {}) },
        );
    asked.then(
      () => {
        counted.answered++;
        open--;
      },
      (error) => {
        open--;
        if (!(error instanceof CoapError)) failures.push(error);
        else counted.refused.set(error.code, (counted.refused.get(error.code) ?? 0) + 1);
      },
    );
  }

  function observe(): void {
    const observation: Observation = endpoint.observe(
      peerOf(random.between(1, PEERS - 1)),
      { method: "0.01", path: ["r"] },
      {
        next: () => {
          counted.states++;
          if (random.chance(0.1)) return Promise.reject(new Error("not stored"));
          return random.chance(0.3) ? new Promise((resolve) => setTimeout(resolve, 100)) : undefined;
        },
        ended: () => void observations.delete(observation),
      },
    );
    observations.add(observation);
  }

  let before = 0;
  for (let count = 0; count < DATAGRAMS; count++) {
    if (count === WARM_UP) before = heldBytes();
    while (open < OPEN) ask();
    if (observations.size < 10) observe();
    if (random.chance(0.002))
      for (const observation of observations) {
        observations.delete(observation);
        void observation.cancel();
        break;
      }
    if (random.chance(0.02))
      for (const observer of observers) {
        if (random.chance(0.2))
          void observer
            .notify({ code: "2.05", payload: random.chance(0.2) ? big : "x" })
            .then(() => counted.notified++);
      }
    if (random.chance(0.001)) receiver.gone?.(peerOf(random.between(1, PEERS - 1)), "gone");
    const [bytes, peer] = adversary.next();
    receiver.datagram(bytes, peer, random.chance(0.02));
    await time.pass(random.between(1, 40));
    const { state } = endpoint;
    assert.ok(
      state.pending <= LIMITS.maxPending &&
        state.transfers <= LIMITS.maxTransfers &&
        state.transferBytes <= LIMITS.maxTransfers * LIMITS.maxBody &&
        state.answerBytes <= LIMITS.maxAnswerBytes &&
        state.observers <= LIMITS.maxObservers &&
        state.observers === observers.size &&
        state.remembered <= LIMITS.maxRemembered &&
        state.rememberedBytes <= LIMITS.maxRememberedBytes &&
        state.requests <= LIMITS.maxRequests &&
        state.observations <= LIMITS.maxObservations,
      `after ${count}: ${JSON.stringify(state)}, ${observers.size} observers`,
    );
  }
  const growth = heldBytes() - before;
  assert.deepEqual(failures.slice(0, 3), []);
  assert.ok(growth < GROWTH, `memory grew by ${growth} bytes`);
  context.diagnostic(JSON.stringify({ ...counted, refused: Object.fromEntries(counted.refused), growth }));
  context.diagnostic(JSON.stringify(endpoint.counters));
  const outcomes = OUTCOMES.map((outcome) => endpoint.counters[outcome]);
  assert.equal(
    outcomes.reduce((sum, each) => sum + each),
    DATAGRAMS,
    "each datagram ends in one outcome",
  );
  // The storm reaches every corner; a challenge needs another setting.
  assert.deepEqual(
    OUTCOMES.filter((outcome) => endpoint.counters[outcome] === 0),
    ["challenged"],
  );
  // Nobody says anything any more: every request of ours is answered or given up, and nothing of it is kept.
  for (const observation of observations) void observation.cancel();
  await time.pass(1_000_000);
  assert.equal(open, 0);
  const { requests, questions, observations: left, pending, unacknowledged } = endpoint.state;
  assert.deepEqual(
    { requests, questions, left, pending, unacknowledged },
    { requests: 0, questions: 0, left: 0, pending: 0, unacknowledged: 0 },
  );
});
