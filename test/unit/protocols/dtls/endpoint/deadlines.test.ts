import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadlines, type Timed } from "../../../../../src/protocols/dtls/endpoint/deadlines.js";
import { seeded } from "../../../../support/random.js";

test("the first is the earliest, whatever is set, moved and taken out", () => {
  const random = seeded(7);
  const deadlines = new Deadlines<Timed>();
  const items = Array.from({ length: 50 }, (): Timed => ({ place: -1, due: 0 }));
  const model = new Map<Timed, number>();
  for (let round = 0; round < 20_000; round++) {
    const item = items[random.between(0, items.length - 1)];
    assert.ok(item);
    const due = random.chance(0.3) ? undefined : random.between(0, 1000);
    deadlines.set(item, due);
    if (due === undefined) model.delete(item);
    else model.set(item, due);
    const earliest = model.size === 0 ? undefined : Math.min(...model.values());
    assert.equal(deadlines.first?.due, earliest, `round ${round}`);
    assert.equal(deadlines.first === undefined || model.has(deadlines.first), true);
  }
});
