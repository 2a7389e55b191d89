import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { count, startGatewayWith } from "../support/gateway.js";
import { openLink } from "../support/link.js";
import { connectClient } from "../support/mqtt.js";
import { numbersOf, publishNumbers, range } from "../support/numbers.js";
import { steadyPorts } from "../support/ports.js";
import { startStrictUpstream } from "../support/strict-upstream/started.js";

for (const method of ["A", "B"] as const) {
  test(`QoS 2 halfway at the first, moved to a second that was used before, method ${method}: nothing is lost`, async (t) => {
    const [a = 0] = await steadyPorts(1);
    const [first, second] = [await startStrictUpstream(t, { method }), await startStrictUpstream(t, { method })];
    const gateway = await startGatewayWith(
      t,
      `[{ id: up, url: ["mqtt://127.0.0.1:${a}", "${second.url}"], failback: 1s, backoff: { min: 20ms, max: 200ms } }]`,
    );
    const client = await connectClient(t, gateway.listeners[0]);
    const taken = (): number[] => [...numbersOf(first.taken(), "weir/n"), ...numbersOf(second.taken(), "weir/n")];
    await publishNumbers(client, "weir/n", 2, [0, 10]);
    await eventually(() => taken().length === 10, "the second carries");
    const link = await openLink(first.port, a);
    t.after(() => link.close());
    await eventually(
      () => count(gateway, "bridge_failback") === 1 && count(gateway, "bridge_up") === 2,
      "at the first",
    );
    await publishNumbers(client, "weir/n", 2, [10, 120]);
    await eventually(() => taken().length === 120, "the first carries");
    // The PUBLISHes of the next ones get through, and their PUBRELs do not.
    const publish = 2 + 2 + "weir/n".length + 2 + 3;
    link.cutAfter("up", publish * 5 + 1, "freeze");
    const more = publishNumbers(client, "weir/n", 2, [120, 125]);
    await more;
    await eventually(() => link.open === 0 || count(gateway, "bridge_down") > 0, "cut").catch(() => {});
    await link.close();
    await eventually(() => count(gateway, "bridge_up") === 3, "at the second");
    await publishNumbers(client, "weir/n", 2, [125, 135]);
    await eventually(() => new Set(taken()).size === 135, "all arrive", 5_000).catch(() => {});
    assert.deepEqual(
      [...new Set(taken())].sort((x, y) => x - y),
      range(0, 135),
    );
    assert.deepEqual([...first.violations(), ...second.violations()], []);
  });
}
