import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { LinkContext, Session } from "../../../src/core/adapter.js";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import { type Supervised, superviseLink } from "../../../src/link/index.js";

/** One `open` that the test settles as it likes. */
interface Opening {
  readonly context: LinkContext;
  succeed(): FakeSession;
  fail(error: Error): void;
}

interface FakeSession extends Session {
  lose(error: Error): void;
  /** Lets `close` end. */
  release(): void;
  readonly closing: boolean;
}

function fakeSession(): FakeSession {
  const closed = resolvers();
  let closing = false;
  return {
    closed: closed.promise,
    execute: () => Promise.resolve(undefined),
    close: () => {
      closing = true;
      return closed.promise;
    },
    lose: (error) => closed.reject(error),
    release: () => closed.resolve(),
    get closing() {
      return closing;
    },
  };
}

function resolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function setup() {
  const openings: Opening[] = [];
  const journal: Entry[] = [];
  const states: string[] = [];
  const stop = new AbortController();
  let timer: { run: () => void; ms: number } | undefined;
  let time = 1_000_000;
  const link: Supervised = superviseLink(
    {
      name: "serial:/dev/ttyUSB0",
      devices: ["air"],
      impliesOnline: true,
      adapter: {
        open: (context) =>
          new Promise<Session>((resolve, reject) => {
            openings.push({
              context,
              succeed: () => {
                const session = fakeSession();
                resolve(session);
                return session;
              },
              fail: reject,
            });
          }),
      },
    },
    {
      sink: () => Promise.resolve(),
      journal: (entry) => journal.push(entry),
      now: Date.now,
      ticks: () => time,
      signal: stop.signal,
      onState: (state) => states.push(state.kind),
      random: () => 0.5,
      setTimer: (run, ms) => {
        const own = { run, ms };
        timer = own;
        return () => {
          if (timer === own) timer = undefined;
        };
      },
    },
  );
  return {
    link,
    openings,
    journal,
    states,
    stop,
    /** Runs the one timer out and gives how long it was set for, in ms. */
    async elapse(): Promise<number> {
      assert.ok(timer, "no timer is set");
      const { run, ms } = timer;
      timer = undefined;
      time += ms;
      run();
      await turn();
      return ms;
    },
    get timer() {
      return timer?.ms;
    },
    last: () => openings.at(-1) ?? assert.fail("nothing was opened"),
  };
}

test("a link that opens is up, and its session is there", async () => {
  const t = setup();
  assert.equal(t.openings.length, 0, "nothing is opened before the caller holds the link");
  await turn();
  const session = t.last().succeed();
  await turn();
  assert.deepEqual(t.states, ["opening", "up"]);
  assert.equal(t.link.state.kind, "up");
  assert.equal(t.link.session(), session);
  assert.deepEqual(
    t.journal.map(({ level, event, at }) => [level, event, at]),
    [["info", "link_up", "serial:/dev/ttyUSB0 (air)"]],
  );
});

test("a session that is lost is opened again, its signal aborted first", async () => {
  const t = setup();
  await turn();
  const first = t.last();
  const session = first.succeed();
  await turn();
  session.lose(new WeirError("PORT_FAILED", "/dev/ttyUSB0 was unplugged"));
  await turn();
  assert.equal(t.link.session(), undefined);
  assert.equal(first.context.signal.aborted, true);
  assert.equal(t.link.state.kind, "waiting");
  assert.equal(await t.elapse(), 750);
  t.last().succeed();
  await turn();
  assert.equal(t.openings.length, 2);
  assert.equal(t.last().context.signal.aborted, false);
  assert.equal(t.link.state.kind, "up");
  assert.deepEqual(
    t.journal.map((entry) => entry.event),
    ["link_up", "link_lost", "link_recovered"],
  );
  assert.match(t.journal[1]?.message ?? "", /\/dev\/ttyUSB0 was unplugged\. .*cable.* 0\.8 s/);
  assert.match(t.journal[2]?.message ?? "", /open again after 1 s and 1 fault/);
});

test("the first failure is an error, its repeats are quiet, a reminder comes", async () => {
  const t = setup();
  await turn();
  for (let n = 0; n < 30; n += 1) {
    t.last().fail(new Error("no such host"));
    await turn();
    await t.elapse();
  }
  const levels = t.journal.map((entry) => entry.level);
  assert.equal(t.journal.length, 30, "each one is counted");
  assert.equal(levels[0], "error");
  assert.deepEqual(new Set(levels.slice(1, 10)), new Set(["debug"]));
  assert.equal(levels.filter((level) => level === "warn").length, 1);
  assert.equal(levels.filter((level) => level === "error").length, 1);
});

test("an adapter that throws at once is an open that failed", async () => {
  const errors: string[] = [];
  const link = superviseLink(
    {
      name: "bad",
      devices: [],
      impliesOnline: true,
      adapter: {
        open: () => {
          throw new Error("at once");
        },
      },
    },
    {
      sink: () => Promise.resolve(),
      journal: (entry) => errors.push(entry.message),
      now: () => 0,
      signal: new AbortController().signal,
      onState: () => {},
      setTimer: () => () => {},
    },
  );
  await turn();
  assert.equal(link.state.kind, "waiting");
  assert.match(errors[0] ?? "", /at once/);
  await link.close();
});

test("an open that hangs is aborted after 30 s; one that still hangs is left behind and its late session closed", async () => {
  const t = setup();
  await turn();
  const hung = t.last();
  assert.equal(await t.elapse(), 30_000);
  assert.equal(hung.context.signal.aborted, true);
  assert.equal(t.link.state.kind, "opening");
  assert.equal(await t.elapse(), 5_000);
  assert.equal(t.link.state.kind, "waiting");
  assert.deepEqual(
    t.journal.map((entry) => entry.event),
    ["link_failed", "link_abandoned"],
  );
  await t.elapse();
  assert.equal(t.openings.length, 2);
  const late = hung.succeed();
  await turn();
  assert.equal(late.closing, true);
  assert.equal(t.link.session(), undefined);
  late.lose(new Error("not listened to"));
  const session = t.last().succeed();
  await turn();
  assert.equal(t.link.session(), session);
});

test("close waits for the session to be closed", async () => {
  const t = setup();
  await turn();
  const session = t.last().succeed();
  await turn();
  let closed = false;
  const closing = t.link.close().then(() => {
    closed = true;
  });
  await turn();
  assert.equal(session.closing, true);
  assert.equal(closed, false);
  session.release();
  await closing;
  assert.equal(t.link.state.kind, "closed");
  assert.equal(t.timer, undefined, "no timer is left");
  assert.deepEqual(t.states, ["opening", "up", "closing", "closed"]);
  await t.link.close();
});

test("close does not wait for ever for a session that does not close", async () => {
  const t = setup();
  await turn();
  t.last().succeed();
  await turn();
  const closing = t.link.close();
  assert.equal(await t.elapse(), 10_000);
  await closing;
  assert.equal(t.link.state.kind, "closed");
  assert.ok(t.journal.some((entry) => entry.event === "link_abandoned" && entry.level === "warn"));
});

test("the gateway's signal closes the link in every state", async () => {
  const idle = setup();
  idle.stop.abort();
  await turn();
  assert.equal(idle.link.state.kind, "closed");
  assert.equal(idle.openings.length, 0);

  const opening = setup();
  await turn();
  opening.stop.abort();
  assert.equal(opening.last().context.signal.aborted, true);
  opening.last().fail(new WeirError("CLOSED", "gave up"));
  await opening.link.close();

  const waiting = setup();
  await turn();
  waiting.last().fail(new Error("no"));
  await turn();
  waiting.stop.abort();
  await waiting.link.close();
  assert.equal(waiting.timer, undefined);

  const up = setup();
  await turn();
  const session = up.last().succeed();
  await turn();
  up.stop.abort();
  await turn();
  assert.equal(session.closing, true);
  session.release();
  await up.link.close();
});

test("after 10 s up the next loss begins a new row of pauses", async () => {
  const t = setup();
  await turn();
  for (let n = 0; n < 4; n += 1) {
    t.last().fail(new Error("no"));
    await turn();
    await t.elapse();
  }
  const session = t.last().succeed();
  await turn();
  assert.equal(await t.elapse(), 10_000);
  session.lose(new Error("gone"));
  await turn();
  assert.equal(await t.elapse(), 750);
});
