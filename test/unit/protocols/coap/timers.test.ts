import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Timed, Timers } from "../../../../src/protocols/coap/timers.js";

interface Item extends Timed {
  readonly name: number;
}

test("what is due comes out in order of time, whatever was started, moved and stopped before", () => {
  const action = fc.record({ name: fc.nat(30), due: fc.option(fc.nat(100), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), fc.nat(100), (actions, now) => {
      const timers = new Timers<Item>();
      const items = Array.from({ length: 31 }, (_, name): Item => ({ name, due: 0, place: -1 }));
      const model = new Map<number, number>();
      for (const { name, due } of actions) {
        const item = items[name];
        assert.ok(item !== undefined);
        if (due === undefined) {
          timers.stop(item);
          model.delete(name);
        } else {
          timers.start(item, due);
          model.set(name, due);
        }
        assert.equal(timers.size, model.size);
        assert.equal(timers.next, model.size === 0 ? undefined : Math.min(...model.values()));
      }
      const out: number[] = [];
      for (let item = timers.expire(now); item !== undefined; item = timers.expire(now)) {
        assert.equal(model.get(item.name), item.due);
        model.delete(item.name);
        out.push(item.due);
      }
      assert.deepEqual(
        out,
        out.toSorted((a, b) => a - b),
      );
      assert.ok([...model.values()].every((due) => due > now));
    }),
  );
});
