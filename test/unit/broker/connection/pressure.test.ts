import assert from "node:assert/strict";
import { test } from "node:test";
import { Fullness, Pressure } from "../../../../src/broker/connection/pressure.js";

function waiter(): { said: string[]; pressed(): void; relieved(): void } {
  const said: string[] = [];
  return { said, pressed: () => void said.push("pressed"), relieved: () => void said.push("relieved") };
}

test("who fills somebody up waits until that is relieved, once", () => {
  const [pressure, full, publisher, other] = [new Pressure(), new Fullness(waiter(), 0), waiter(), waiter()];
  pressure.charge(publisher);
  assert.deepEqual(publisher.said, []);
  for (let n = 0; n < 2; n++) {
    pressure.hit(full);
    pressure.charge(publisher);
  }
  pressure.charge(other);
  assert.deepEqual([publisher.said, other.said], [["pressed"], []]);
  full.release();
  full.release();
  assert.deepEqual(publisher.said, ["pressed", "relieved"]);
});

test("devices wait for nobody", () => {
  const [pressure, publisher] = [new Pressure(), waiter()];
  pressure.hit(new Fullness(waiter(), 0));
  pressure.forget();
  pressure.charge(publisher);
  assert.deepEqual(publisher.said, []);
});

test("nobody waits for one that has stalled", () => {
  const [full, early, late] = [new Fullness(waiter(), 0), waiter(), waiter()];
  full.keep(early);
  full.stall();
  full.keep(late);
  assert.deepEqual([early.said, late.said], [["pressed", "relieved"], []]);
});

test("nobody waits for itself: it would never read what relieves it", () => {
  const own = waiter();
  const full = new Fullness(own, 0);
  full.keep(own);
  assert.deepEqual(own.said, []);
});
