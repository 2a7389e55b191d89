import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WeirError } from "../../../src/core/errors.js";
import type { Entry } from "../../../src/core/journal.js";
import type { Message } from "../../../src/core/message.js";
import { type Availability, createAvailability, gatewayMessage } from "../../../src/router/index.js";
import { ABSENT, isOnline, nextPresence, type PresenceEvent, timeToStale } from "../../../src/router/presence.js";
import { type FakeClock, fakeClock, settled } from "./clock.js";

interface Bench {
  readonly availability: Availability;
  readonly clock: FakeClock;
  readonly said: string[];
  readonly messages: Message[];
  readonly journal: Entry[];
  gate: () => Promise<void> | void;
}

function bench(): Bench {
  const clock = fakeClock();
  const said: string[] = [];
  const messages: Message[] = [];
  const journal: Entry[] = [];
  const availability = createAvailability({
    prefix: "weir",
    devices: [
      { id: "line", impliesOnline: true, stale: 1000 },
      { id: "post", impliesOnline: false, stale: 1000 },
      { id: "calm", impliesOnline: false },
    ],
    // Not async, so that a gate that throws throws at once.
    accept: (message) => {
      const gate = built.gate();
      const take = (): void => {
        said.push(`${message.topic}=${Buffer.from(message.payload).toString()}`);
        messages.push(message);
      };
      return Promise.resolve(gate).then(take);
    },
    now: clock.now,
    setTimer: clock.setTimer,
    journal: (entry) => journal.push(entry),
  });
  const built: Bench = { availability, clock, said, messages, journal, gate: () => {} };
  return built;
}

const OFFLINE = ["weir/line/status=offline", "weir/post/status=offline", "weir/calm/status=offline"];

describe("presence", () => {
  it("follows the link where that implies it, the readings where not", () => {
    const line = { impliesOnline: true, stale: 100 };
    const post = { impliesOnline: false, stale: 100 };
    const up = { kind: "link", up: true } as const;
    assert.ok(isOnline(nextPresence(ABSENT, up, line, 0), line, 99));
    assert.ok(!isOnline(nextPresence(ABSENT, up, line, 0), line, 100), "an open line that says nothing");
    const listening = nextPresence(ABSENT, up, post, 0);
    assert.ok(!isOnline(listening, post, 0));
    assert.ok(isOnline(nextPresence(listening, { kind: "reading" }, post, 50), post, 149));
    const early = nextPresence(nextPresence(ABSENT, { kind: "reading" }, post, 0), up, post, 1);
    assert.ok(isOnline(early, post, 1), "a reading that came before the link was known to be up");
    assert.ok(!isOnline(nextPresence(early, { kind: "link", up: false }, post, 2), post, 2));
    const twice = nextPresence(nextPresence(ABSENT, up, line, 0), up, line, 90);
    assert.ok(!isOnline(twice, line, 100), "being told again that it is up is no sign of life");
    assert.ok(isOnline(early, post, -500), "a clock that was set back");
  });

  it("is online only with a link that is up and a sign of life that is not stale", () => {
    const event: fc.Arbitrary<PresenceEvent> = fc.oneof(
      fc.constant({ kind: "reading" } as const),
      fc.boolean().map((up) => ({ kind: "link", up }) as const),
    );
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), event));
    fc.assert(
      fc.property(steps, fc.boolean(), (events, impliesOnline) => {
        const rule = { impliesOnline, stale: 100 };
        let state = ABSENT;
        let now = 0;
        let up = false;
        let sign = Number.NEGATIVE_INFINITY;
        for (const [pause, one] of events) {
          now += pause;
          if (one.kind === "reading" || (one.up && !up && impliesOnline)) sign = now;
          if (one.kind === "link") {
            up = one.up;
            if (!up) sign = Number.NEGATIVE_INFINITY;
          }
          state = nextPresence(state, one, rule, now);
          assert.equal(isOnline(state, rule, now), up && now - sign < 100);
          const left = timeToStale(state, rule, now);
          assert.equal(left !== undefined, isOnline(state, rule, now));
          if (left !== undefined)
            assert.ok(!isOnline(state, rule, now + left) && isOnline(state, rule, now + left - 1));
        }
      }),
    );
  });
});

describe("availability", () => {
  it("begins and ends with all offline, retained, QoS 1", async () => {
    const at = bench();
    await at.availability.start();
    assert.deepEqual(at.said, OFFLINE);
    assert.ok(at.messages.every(({ qos, retain }) => qos === 1 && retain));
    at.availability.link(["line"], true);
    await settled();
    assert.ok(at.availability.isOnline("line"));
    await at.availability.stop();
    assert.deepEqual(at.said.slice(3), ["weir/line/status=online", "weir/line/status=offline"]);
    assert.ok(!at.availability.isOnline("line"));
    at.availability.link(["line"], true);
    at.availability.seen("post");
    await at.clock.advance(5000);
    assert.equal(at.said.length, 5);
    assert.equal(at.clock.timers, 0);
  });

  it("speaks on change only", async () => {
    const at = bench();
    await at.availability.start();
    at.availability.link(["line", "post", "calm", "nobody"], true);
    at.availability.seen("nobody");
    for (let turn = 0; turn < 5; turn++) {
      at.availability.seen("line");
      at.availability.seen("post");
      await at.clock.advance(400);
    }
    assert.deepEqual(at.said.slice(3), ["weir/line/status=online", "weir/post/status=online"]);
    await at.clock.advance(600);
    assert.deepEqual(
      at.said.slice(5),
      ["weir/line/status=offline", "weir/post/status=offline"],
      "stale 1 s after the last reading",
    );
    at.availability.seen("post");
    await settled();
    at.availability.link(["post"], false);
    await settled();
    assert.deepEqual(at.said.slice(7), ["weir/post/status=online", "weir/post/status=offline"]);
    const told = at.journal.filter((entry) => entry.at === "post").map((entry) => entry.message);
    assert.deepEqual(told, [
      "is online",
      "is offline: no reading for too long",
      "is online",
      "is offline: its link is down",
    ]);
    await at.availability.stop();
  });

  it("never calls a device stale that has no such time", async () => {
    const at = bench();
    at.availability.link(["calm"], true);
    at.availability.seen("calm");
    await at.clock.advance(1e9);
    assert.ok(at.availability.isOnline("calm"));
    assert.equal(at.clock.timers, 0);
    await at.availability.stop();
  });

  it("says what is, one message at a time, and nothing of what changed back meanwhile", async () => {
    const at = bench();
    await at.availability.start();
    let open: () => void = () => {};
    at.gate = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    at.availability.link(["line"], true);
    await settled();
    at.availability.link(["line"], false);
    at.availability.link(["line"], true);
    at.availability.link(["line"], false);
    at.gate = () => {};
    open();
    await settled();
    assert.deepEqual(at.said.slice(3), ["weir/line/status=online", "weir/line/status=offline"]);
    await at.availability.stop();
    assert.equal(at.said.length, 5);
  });

  it("tries again what was refused, with what is then", async () => {
    const at = bench();
    await at.availability.start();
    at.gate = () => {
      throw new WeirError("OUTBOX_FULL", "full");
    };
    at.availability.link(["line"], true);
    await at.clock.advance(500);
    at.availability.seen("line");
    assert.equal(at.journal.filter((entry) => entry.event === "status_refused").length, 1);
    at.gate = () => {};
    await at.clock.advance(500);
    assert.deepEqual(at.said.slice(3), ["weir/line/status=online"]);
    at.gate = () => Promise.reject(new WeirError("OUTBOX_FULL", "full"));
    await at.availability.stop();
    assert.equal(at.clock.timers, 0, "nothing is tried again after the end");
  });

  it("has the last word although what is on its way is refused", async () => {
    const at = bench();
    await at.availability.start();
    at.availability.link(["line"], true);
    await settled();
    let refuse: (error: Error) => void = () => {};
    at.gate = () =>
      new Promise((_resolve, reject) => {
        refuse = reject;
      });
    at.availability.link(["line"], false);
    await settled();
    at.gate = () => {};
    const stopping = at.availability.stop();
    refuse(new WeirError("OUTBOX_FULL", "full"));
    await stopping;
    assert.deepEqual(at.said.slice(3), ["weir/line/status=online", "weir/line/status=offline"]);
    assert.equal(at.clock.timers, 0);
  });

  it("has the gateway's own message", () => {
    const { topic, payload, qos, retain } = gatewayMessage("weir", "plant", true);
    assert.deepEqual(
      [topic, Buffer.from(payload).toString(), qos, retain],
      ["weir/$gateway/plant/status", "online", 1, true],
    );
  });
});
