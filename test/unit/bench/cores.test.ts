import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedCores } from "../../../bench/cores.js";

test("the cores that a process may use are read from its status, single ones and ranges", () => {
  assert.deepEqual(allowedCores("Cpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed:\t1\n"), [0, 1]);
  assert.deepEqual(allowedCores("Cpus_allowed_list:\t0-2,7,10-11\n"), [0, 1, 2, 7, 10, 11]);
  assert.deepEqual(allowedCores("Cpus_allowed_list:\t5\n"), [5]);
  assert.throws(() => allowedCores("Name:\tnode\n"), /no Cpus_allowed_list/);
});
