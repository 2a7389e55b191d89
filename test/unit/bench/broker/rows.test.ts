import assert from "node:assert/strict";
import { test } from "node:test";
import { aedes, mosquitto, weir } from "../../../../bench/broker/brokers.js";
import { idleRows, loadRows, type Run } from "../../../../bench/broker/rows.js";
import type { Idle, Loaded } from "../../../../bench/broker/scenarios.js";

const SCENARIO: Loaded = {
  kind: "load",
  name: "fan-in-1",
  title: "fan-in QoS 1",
  mode: "fanin",
  qos: 1,
  args: [],
  protocol: 4,
  brokers: [weir(), mosquitto, aedes],
  figures: [{ figure: "messages/s", target: "mosquitto x2, goal x3" }],
};

/** A run in which the broker was busy and nothing was odd. */
function report(changes: Partial<Run> = {}): Run {
  return {
    perSecond: 1_000,
    sent: 1_000,
    acknowledged: 1_000,
    received: 1_000,
    expected: 1_000,
    missing: 0,
    duplicates: 0,
    outOfOrder: 0,
    latencyUs: { p50: 100, p99: 300 },
    processes: [{ usPerMessage: 10, percent: 100 }],
    ownPercent: 40,
    othersPercent: 3,
    ...changes,
  };
}

const busy = (percent: number): Run["processes"] => [{ usPerMessage: 10, percent }];

/** The remarks of a run of Weir alone. */
function remarks(changes: Partial<Run>, scenario: Partial<Loaded> = {}): string | undefined {
  const series = [{ broker: "weir", results: [report(changes)] }];
  return loadRows({ ...SCENARIO, ...scenario }, series)[0]?.remarks;
}

test("each figure has a row with Weir, both peers and the target", () => {
  const figures: Loaded["figures"] = [
    { figure: "messages/s", target: "mosquitto x2, goal x3" },
    { figure: "CPU, us a message" },
    { figure: "p50, us" },
    { figure: "p99, us" },
  ];
  const rows = loadRows({ ...SCENARIO, figures }, [
    { broker: "weir", results: [report({ perSecond: 2_000 }), report({ perSecond: 3_000 })] },
    { broker: "mosquitto", results: [report(), report()] },
    { broker: "aedes", results: [report({ perSecond: 500 }), report({ perSecond: 500 })] },
  ]);
  assert.deepEqual(rows[0], {
    case: "fan-in QoS 1, messages/s",
    weir: 2_500,
    peer: 1_000,
    ratio: 2.5,
    others: [{ name: "aedes", value: 500, ratio: 5 }],
    spread: [40, 0, 0],
    target: "mosquitto x2, goal x3",
  });
  assert.deepEqual(
    rows.map((each) => [each.case, each.weir]),
    [
      ["fan-in QoS 1, messages/s", 2_500],
      ["fan-in QoS 1, CPU, us a message", 10],
      ["fan-in QoS 1, p50, us", 100],
      ["fan-in QoS 1, p99, us", 300],
    ],
  );
});

test("a peer that cannot do it has no number; without Weir there is no row", () => {
  const results = [report()];
  const two = [
    { broker: "weir", results },
    { broker: "mosquitto", results },
  ];
  assert.deepEqual(loadRows(SCENARIO, two)[0]?.others, []);
  assert.deepEqual(loadRows(SCENARIO, [{ broker: "mosquitto", results }]), []);
});

test("what was lost, came twice, late or without an acknowledgement is said, of all runs together; at QoS 0 it is the part that arrived", () => {
  assert.equal(remarks({}), undefined);
  assert.equal(remarks({ missing: 3, duplicates: 2 }), "weir: LOST 3, 2 TWICE");
  assert.equal(remarks({ outOfOrder: 4, acknowledged: 995 }), "weir: 4 OUT OF ORDER, 5 NOT ACKNOWLEDGED");
  assert.equal(remarks({ acknowledged: 0 }, { qos: 0 }), undefined);
  assert.equal(remarks({ missing: 25 }, { qos: 0 }), "weir: delivered 97.50 %");
  const series = [
    { broker: "weir", results: [report({ missing: 3 }), report({ missing: 4 })] },
    { broker: "mosquitto", results: [report({ missing: 1 }), report()] },
  ];
  assert.equal(loadRows(SCENARIO, series)[0]?.remarks, "weir: LOST 7; mosquitto: LOST 1");
});

test("a rate that is the load generator's and not the broker's is said to be so", () => {
  assert.equal(remarks({ ownPercent: 97, processes: busy(60) }), "weir: the load generator is the limit (97 %)");
  assert.equal(remarks({ ownPercent: 97, processes: busy(100) }), undefined);
  assert.equal(remarks({ ownPercent: 40, processes: busy(60) }), "weir: not saturated (60 %)");
});

test("cores that others used too are said to be so", () => {
  assert.equal(remarks({ othersPercent: 63 }), "weir: others took 63 % of a core");
  assert.equal(remarks({ othersPercent: 10 }), undefined);
});

test("a pace that was not kept is said; one that was is nothing to remark, however idle the broker", () => {
  assert.equal(remarks({ perSecond: 970, processes: busy(9) }, { pace: 1_000 }), "weir: only 970/s");
  assert.equal(remarks({ perSecond: 981, processes: busy(9) }, { pace: 1_000 }), undefined);
});

test("idle connections have a row with how many there were", () => {
  const scenario: Idle = {
    kind: "idle",
    name: "idle",
    brokers: [weir(), mosquitto],
    target: "15 kB, goal 8 kB",
  };
  const rows = idleRows(scenario, 2_000, [
    { broker: "weir", results: [{ ready: 2_000, kbPerConnection: 12 }] },
    { broker: "mosquitto", results: [{ ready: 2_000, kbPerConnection: 0.5 }] },
  ]);
  assert.deepEqual(rows, [
    {
      case: "2000 idle, RSS a connection, kB",
      weir: 12,
      peer: 0.5,
      ratio: 24,
      others: [],
      target: "15 kB, goal 8 kB",
    },
  ]);
});
