import assert from "node:assert/strict";
import { test } from "node:test";
import { Endings } from "../../../../src/broker/listeners/tls/endings.js";
import type { Ending } from "../../../../src/broker/listeners/tls/material.js";

const DAY = 86_400_000;

test("a certificate's end is told once at 30, 7 and 1 days, and once it has come", () => {
  const endings = new Endings();
  const certificate: Ending = { what: "certificate", file: "a", at: 100 * DAY };
  const told: [day: number, left: number][] = [];
  for (let day = 0; day <= 103; day += 0.25)
    for (const { days } of endings.due([certificate], day * DAY)) told.push([day, days]);
  assert.deepEqual(told, [
    [70, 30],
    [93, 7],
    [99, 1],
    [100, -1],
  ]);
});

test("who starts late is told the nearest step alone, a renewed one begins anew, and a list is told a day ahead", () => {
  const endings = new Endings();
  const at = (days: number, what: Ending["what"] = "certificate"): Ending => ({ what, file: "a", at: days * DAY });
  assert.deepEqual(
    endings.due([at(5)], 0).map(({ days }) => days),
    [5],
  );
  assert.deepEqual(endings.due([at(5)], 0), []);
  endings.keep([at(6)]);
  assert.deepEqual(
    endings.due([at(6)], 0).map(({ days }) => days),
    [6],
  );
  assert.deepEqual(endings.due([at(2, "crl")], 0), []);
  assert.deepEqual(
    endings.due([at(2, "crl")], DAY).map(({ days }) => days),
    [1],
  );
});
