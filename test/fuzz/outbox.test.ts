import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Qos } from "../../src/core/message.js";
import { CursorFile } from "../../src/outbox/log/cursor.js";
import type { Terms } from "../../src/outbox/outbox.js";
import { Disk } from "../unit/outbox/log/disk.js";
import { counted, drain, message, type Opened, open, textOf } from "../unit/outbox/log/fixture.js";
import { createRandom } from "../unit/protocols/framing/specimens.js";

type End = "close" | "kill" | "power cut";

type Step =
  | {
      readonly do: "append";
      readonly qos: readonly Qos[];
      readonly terms: Terms;
      readonly size: number;
      readonly wait: boolean;
    }
  | { readonly do: "pass"; readonly time: number }
  | { readonly do: "take"; readonly count: number }
  | { readonly do: "acknowledge"; readonly which: readonly number[] }
  | { readonly do: "reopen"; readonly after: End; readonly seed: number };

interface Life {
  readonly durability: "commit" | "interval" | "none";
  readonly whenFull: "refuse" | "drop-oldest";
  readonly maxMessages: number;
  readonly segmentBytes: number;
  readonly readAhead: number;
  readonly maxAge?: number;
}

const lives: fc.Arbitrary<Life> = fc
  .record({
    durability: fc.constantFrom("commit", "commit", "interval", "none"),
    whenFull: fc.constantFrom("refuse", "drop-oldest"),
    maxMessages: fc.constantFrom(3, 8, 1000),
    segmentBytes: fc.constantFrom(60, 150, 400, 10_000),
    readAhead: fc.constantFrom(1, 2, 5, 1024),
  })
  .chain((life) => fc.constantFrom(life, life, { ...life, maxAge: 50 }));

const terms: fc.Arbitrary<Terms> = fc.record(
  {
    whenFull: fc.constantFrom("refuse", "drop-oldest", "drop-newest"),
    durability: fc.constantFrom("commit", "interval", "none"),
    expiry: fc.constantFrom(5, 20, 100),
    rule: fc.constant("some"),
  },
  { requiredKeys: [] },
);

const which = fc.array(fc.nat(100), { minLength: 1, maxLength: 6 });
const reopen = fc.record({
  do: fc.constant("reopen" as const),
  after: fc.constantFrom<End>("close", "kill", "power cut", "power cut"),
  seed: fc.nat(),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: appends() },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), time: fc.integer({ min: -20, max: 30 }) }) },
  { weight: 2, arbitrary: reopen },
);

function appends(): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant("append" as const),
    qos: fc.array(fc.constantFrom<Qos>(0, 1, 2), { minLength: 1, maxLength: 6 }),
    terms: fc.oneof(fc.constant({}), terms),
    size: fc.constantFrom(0, 10, 90),
    wait: fc.boolean(),
  });
}

/** What is known of one message, which is named by its number. */
interface Known {
  readonly qos: Qos;
  /** It waits for the medium. */
  readonly commits: boolean;
  readonly expires: number | undefined;
  readonly appended: number;
  /** `append` has resolved. */
  promised: boolean;
  acknowledged: boolean;
}

/** The simple thing that the outbox must not differ from. */
class Model {
  readonly #life: Life;
  readonly #disk = new Disk();
  readonly #known: Known[] = [];
  /** The message that each sequence was given to. */
  readonly #given = new Map<number, number>();
  /** In the order they were taken. */
  #taken: { readonly sequence: number; readonly number: number }[] = [];
  #flying: Promise<unknown>[] = [];
  #dropped = 0;
  #time = 1000;
  /** The clock is set back at times: what was stale by then may be gone. */
  #latest = 1000;
  #epoch: string | undefined;
  #now: Opened | undefined;

  constructor(life: Life) {
    this.#life = life;
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#open();
    for (const one of steps) await this.#step(one);
    for (const after of ["kill", "close", "power cut"] as const) await this.#reopen(after, 1);
    await this.#outbox.close();
  }

  async #open(): Promise<void> {
    this.#now = await open({ ...this.#life, now: () => this.#time }, this.#disk);
  }

  get #outbox(): Opened["outbox"] {
    assert.ok(this.#now);
    return this.#now.outbox;
  }

  async #step(one: Step): Promise<void> {
    if (one.do === "append") return this.#append(one);
    if (one.do === "reopen") return this.#reopen(one.after, one.seed);
    if (one.do === "pass") {
      this.#time += one.time;
      this.#latest = Math.max(this.#latest, this.#time);
      return;
    }
    if (one.do === "take") {
      for (let n = 0; n < one.count; n++) this.#take();
      return;
    }
    for (const index of one.which) {
      const [entry] = this.#taken.splice(index % Math.max(1, this.#taken.length), 1);
      if (entry === undefined) return;
      this.#outbox.acknowledge(entry.sequence);
      const known = this.#known[entry.number];
      if (known !== undefined) known.acknowledged = true;
    }
  }

  async #append({ qos, terms, size, wait }: Step & { do: "append" }): Promise<void> {
    const { durability = this.#life.durability, expiry } = terms;
    const appended = this.#time;
    const expires = expiry === undefined ? undefined : appended + expiry;
    const work = qos.map(async (level) => {
      const commits = durability === "commit" && level > 0;
      const number =
        this.#known.push({ qos: level, commits, expires, appended, promised: false, acknowledged: false }) - 1;
      const known = this.#known[number];
      const done = await this.#outbox.append(message(String(number), level, size), terms).then(
        () => true,
        () => false, // refused: the bound, or the process ended before
      );
      if (known !== undefined) known.promised = done;
    });
    this.#flying.push(...work);
    if (wait) await Promise.all(work);
  }

  #take(): void {
    const entry = this.#outbox.take();
    if (entry !== undefined) this.#taken.push({ sequence: entry.sequence, number: this.#numberOf(entry) });
  }

  /** Checks that it is what was appended, under a sequence of its own. */
  #numberOf(entry: Parameters<typeof textOf>[0]): number {
    const number = Number(textOf(entry));
    const known = this.#known[number];
    assert.ok(known !== undefined && entry.message.topic === `t/${number}` && entry.message.qos === known.qos);
    assert.deepEqual([entry.appended, entry.expires], [known.appended, known.expires]);
    assert.ok(!this.#stale(known, this.#time), "given, and it is worth nothing any more");
    if (known.commits) {
      assert.equal(this.#given.get(entry.sequence) ?? number, number, "a sequence was given twice");
      this.#given.set(entry.sequence, number);
    }
    return number;
  }

  #stale({ appended, expires }: Known, time: number): boolean {
    const { maxAge = Number.POSITIVE_INFINITY } = this.#life;
    return time >= (expires ?? Number.POSITIVE_INFINITY) || time - appended > maxAge;
  }

  async #reopen(after: End, seed: number): Promise<void> {
    const old = this.#outbox;
    const random = createRandom(seed);
    // What was promised until now, before anything of what is in flight goes on.
    const promised = this.#known.map((known) => known.promised);
    const { settled } = old;
    if (after === "close") await Promise.all(this.#flying);
    if (after === "close") await old.close();
    if (after === "kill") this.#disk.kill();
    if (after === "power cut") this.#disk.pullPlug(() => random(1000) / 1000);
    for (const reason of ["oldest", "newest"])
      this.#dropped += counted(this.#now?.journal ?? [], "outbox_dropped", reason);
    const cursor = await new CursorFile(this.#disk.files(), "/log/cursor").read();
    await old.close();
    await Promise.all(this.#flying);
    this.#flying = [];
    await this.#open();
    this.#epochStays(after);
    // After a power cut, of what was never promised some may be told as lost.
    if (after !== "power cut") assert.deepEqual(this.#outbox.recovered.quarantined, [], "nothing was lost");
    for (const { first, last } of this.#outbox.recovered.quarantined) {
      const known = [...this.#given.keys()].filter((sequence) => sequence >= first && sequence <= last);
      assert.deepEqual(known, [], "told as lost, and it was safe");
    }
    const found = await drain(this.#outbox);
    const numbers = found.map((entry) => this.#numberOf(entry));
    this.#compare(after, promised, numbers);
    for (const [index, { sequence }] of found.entries()) {
      const number = numbers[index] ?? -1;
      const again = this.#known[number]?.acknowledged === true;
      if (again) assert.ok(sequence > (cursor?.acknowledged ?? 0), "acknowledged, in the cursor, and here again");
      if (after !== "power cut") assert.ok(sequence > settled, "settled, and here again");
    }
    if (after === "close") this.#prefix(numbers);
    // Those are to be sent again, and may be acknowledged again.
    for (const number of numbers) {
      const known = this.#known[number];
      if (known !== undefined) known.acknowledged = false;
    }
    this.#taken = [];
    // They were only looked at: the life goes on with a process that was given none of them.
    this.#disk.kill();
    await this.#outbox.close();
    await this.#open();
  }

  #epochStays(after: End): void {
    const { epoch } = this.#outbox;
    // Without a cursor, which a power cut may take while nothing asks for more, it is another one.
    if (after !== "power cut") assert.equal(epoch, this.#epoch ?? epoch);
    this.#epoch = epoch;
  }

  #compare(after: End, promised: readonly boolean[], numbers: readonly number[]): void {
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      "in the order of appending, each once",
    );
    const here = new Set(numbers);
    const safe = (known: Known, index: number): boolean => {
      if (this.#stale(known, this.#latest)) return false;
      if (after === "close") return known.promised;
      return promised[index] === true && known.commits;
    };
    const missing = this.#known.filter((known, index) => safe(known, index) && !known.acknowledged && !here.has(index));
    // What was dropped was counted, and is forgotten here so that it is not looked for again.
    assert.ok(missing.length <= this.#dropped, `${missing.length} missing, ${this.#dropped} dropped`);
    for (const [index, known] of this.#known.entries()) if (!here.has(index)) known.acknowledged = true;
    this.#dropped = 0;
  }

  /** After closing in order nothing of the acknowledged prefix is there. */
  #prefix(numbers: readonly number[]): void {
    const first = numbers[0];
    if (first !== undefined) assert.equal(this.#known[first]?.acknowledged, false, "the first one was acknowledged");
  }
}

test("whatever happens, in whatever order: nothing promised is lost, nothing is out of order, nothing acknowledged returns", async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(lives, steps, (life, list) => new Model(life).run(list)),
    { includeErrorInReport: true, numRuns: Number(process.env["WEIR_RUNS"] ?? 300) },
  );
});
