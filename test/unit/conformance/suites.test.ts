import assert from "node:assert/strict";
import { test } from "node:test";
import { testsOf } from "../../conformance/eclipse.js";
import { portsOf } from "../../conformance/mosquitto.js";
import { FITS, leftOutBecause } from "../../conformance/mosquitto-tests.js";

test("the tests of a unittest class, also one that unittest would not find by its name", () => {
  const source = `def cleanup():
class Test(unittest.TestCase):
    def setUpClass(cls):
    def testBasic(self):
    def will_message_test(self):
    def waitfor(self, queue, depth, limit):
    def test_keepalive(self):
`;
  assert.deepEqual(testsOf(source), ["testBasic", "will_message_test", "test_keepalive"]);
});

test("how many ports a script of mosquitto's takes is in its own list", () => {
  const list = "tests = [\n\t(1, './01-a.py'),\n    (2, './01-b.py'),\n    #(ports required, 'path'),\n]";
  assert.deepEqual(
    [...portsOf(list)],
    [
      ["01-a", 1],
      ["01-b", 2],
    ],
  );
});

test("each script fits, is left out for a reason, or is no test", () => {
  assert.ok(FITS.has("02-subpub-qos1"));
  assert.match(leftOutBecause("06-bridge-no-local") ?? "", /bridge/);
  assert.match(leftOutBecause("09-plugin-tick") ?? "", /plugin in C/);
  assert.equal(leftOutBecause("mosq_test_helper"), null);
  assert.equal(leftOutBecause("06-bridge-clean-session-core"), null);
  assert.match(leftOutBecause("15-new") ?? "", /not known/);
});

test("what fits is not also left out", () => {
  for (const name of FITS) assert.match(leftOutBecause(name) ?? "no test", /^not known/, name);
});
