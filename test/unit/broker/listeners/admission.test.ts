import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Admission, type AdmissionLimits, type Visit } from "../../../../src/broker/listeners/admission.js";

const limits: AdmissionLimits = {
  connections: 100,
  connectionsPerAddress: 3,
  connectRate: 10,
  connectRatePerAddress: 1,
  handshakes: 8,
};

function admitted(result: Visit | string): Visit {
  assert.ok(typeof result !== "string", `refused: ${String(result)}`);
  return result;
}

test("connections of one sender, and one that leaves makes room", () => {
  const admission = new Admission(limits);
  const visits = [1, 2, 3].map(() => admitted(admission.admit("a", 0)));
  assert.equal(admission.admit("a", 0), "connections_per_address");
  admitted(admission.admit("b", 0));
  visits[0]?.leave(0);
  visits[0]?.leave(0);
  admitted(admission.admit("a", 0));
  assert.equal(admission.admit("a", 0), "connections_per_address");
  assert.equal(admission.open, 4);
});

test("connections in all hold for this machine's own too, the other limits do not", () => {
  const admission = new Admission({ ...limits, connectRate: 1, connections: 50 });
  for (let n = 0; n < 50; n++) admitted(admission.admit(undefined, 0));
  assert.equal(admission.admit(undefined, 0), "connections");
  assert.equal(admission.admit("a", 0), "connections");
  assert.equal(admission.enter(), "connections");
});

test("a sender's rate: ten seconds' worth at once, then one a second", () => {
  const admission = new Admission({ ...limits, connectionsPerAddress: 100 });
  for (let n = 0; n < 10; n++) admitted(admission.admit("a", 0)).leave(0);
  assert.equal(admission.admit("a", 0), "connect_rate_per_address");
  assert.equal(admission.admit("a", 999), "connect_rate_per_address");
  admitted(admission.admit("a", 1000)).leave(1000);
  assert.equal(admission.admit("a", 1000), "connect_rate_per_address");
  admitted(admission.admit("b", 1000));
});

test("the rate of all, and what is refused by one limit costs nothing of another", () => {
  const admission = new Admission({ ...limits, connections: 1000 });
  for (let n = 0; n < 1000; n++) admission.admit("flood", 0);
  for (let n = 0; n < 97; n++) admitted(admission.admit(`a${n}`, 0));
  assert.equal(admission.admit("late", 0), "connect_rate");
  admitted(admission.admit("late", 100));
});

test("a clock that stands still or goes back gives nothing away", () => {
  const admission = new Admission({ ...limits, connectionsPerAddress: 100 });
  for (let n = 0; n < 10; n++) admitted(admission.admit("a", 5000)).leave(5000);
  assert.equal(admission.admit("a", 1000), "connect_rate_per_address");
  assert.equal(admission.admit("a", 5000), "connect_rate_per_address");
});

test("handshakes in all, and one sender has a quarter of them", () => {
  const admission = new Admission({ ...limits, connectionsPerAddress: 100 });
  const begin = (name: string | undefined) => {
    const visit = admitted(admission.admit(name, 0));
    const refused = visit.begin();
    if (refused) visit.leave(0);
    return refused ?? visit;
  };
  const first = begin("a");
  begin("a");
  assert.equal(begin("a"), "handshakes");
  if (typeof first !== "string") first.settle();
  assert.notEqual(begin("a"), "handshakes");
  for (let n = 0; n < 6; n++) assert.notEqual(begin(undefined), "handshakes");
  assert.equal(begin("b"), "handshakes");
});

test("a sender that is known only later is counted like others", () => {
  const admission = new Admission(limits);
  for (let n = 0; n < 3; n++) {
    const visit = admitted(admission.enter());
    assert.equal(visit.begin(), undefined);
    assert.equal(visit.identify("a", 0), undefined);
    visit.settle();
  }
  const fourth = admitted(admission.enter());
  assert.equal(fourth.identify("a", 0), "connections_per_address");
  fourth.leave(0);
  assert.equal(admission.admit("a", 0), "connections_per_address");
  assert.equal(admission.open, 3);
});

test("memory is bounded, whoever comes", () => {
  const admission = new Admission({ ...limits, connectRate: 1_000_000 });
  for (let n = 0; n < 50_000; n++) admitted(admission.admit(`a${n}`, n)).leave(n);
  assert.ok(admission.remembered <= 16_384, `${admission.remembered}`);
  // A second later all of their buckets are full: the first to leave takes them away.
  admitted(admission.admit("last", 1e6)).leave(1e6);
  assert.ok(admission.remembered <= 1, `${admission.remembered}`);
});

test("whatever happens, what is open is what was admitted and has not left", () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", undefined),
    leave: fc.boolean(),
    pick: fc.nat(),
    ms: fc.nat(500),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const admission = new Admission({ ...limits, connections: 6 });
      const open: Visit[] = [];
      let now = 0;
      for (const { name, leave, pick, ms } of steps) {
        now += ms;
        if (leave) open.splice(pick % Math.max(1, open.length), 1)[0]?.leave(now);
        else {
          const visit = admission.admit(name, now);
          if (typeof visit !== "string") open.push(visit);
        }
        assert.equal(admission.open, open.length);
        assert.ok(open.length <= 6);
      }
    }),
  );
});
