import assert from "node:assert/strict";
import { test } from "node:test";
import { eclipseVerdict, mosquittoVerdict } from "../../conformance/verdict.js";

test("a unittest passes by its exit code", () => {
  assert.deepEqual(eclipseVerdict({ code: 0, said: "Ran 1 test\nOK\n" }), { verdict: "pass" });
});

test("of a unittest the first exception is the cause, and not those of its threads", () => {
  const said = `Exception in thread Thread-1 (receive):
Traceback (most recent call last):
  File "threading.py", line 1
    self.run()
OSError: [Errno 9] Bad file descriptor

Traceback (most recent call last):
  File "client_test.py", line 90, in test_x
    assert len(callback.messages) in [2, 3]
AssertionError: [('a', b'b')]
======
FAIL: test_x (__main__.Test.test_x)
Traceback (most recent call last):
  File "client_test.py", line 99, in test_x
    self.assertEqual(succeeded, True)
AssertionError: False != True
`;
  assert.deepEqual(eclipseVerdict({ code: 1, said }), {
    verdict: "fail",
    why: "AssertionError: [('a', b'b')] in: assert len(callback.messages) in [2, 3]",
  });
  const deeper = `Traceback (most recent call last):
  File "/s/client_test5.py", line 7, in test_y
    aclient.connect(port=port)
  File "/s/mqtt/V5.py", line 9, in connect
    raise x.MQTTException(b)
    ^^^^^^^^^^^^^^^^^^^^^^^^
x.MQTTException: no
`;
  assert.equal(eclipseVerdict({ code: 1, said: deeper }).why, "x.MQTTException: no in: aclient.connect(port=port)");
  assert.equal(eclipseVerdict({ code: 1, said: "usage: x\nno such test\n" }).why, "no such test");
  assert.equal(eclipseVerdict({ code: 2, said: "" }).why, "said nothing");
});

test("what took too long says so", () => {
  assert.equal(eclipseVerdict({ code: null, said: "AssertionError" }).why, "took too long");
  assert.equal(mosquittoVerdict({ code: null, said: "FAIL: x" }).why, "took too long");
});

test("of a script of mosquitto's: the packet that was wrong, and the version that it was in", () => {
  const said = `FAIL: Received incorrect connack.
Received: CONNACK, rl=2, res=0, rc=1
Expected (not decoded, len=11): b'abc'

proto_ver=5
`;
  assert.deepEqual(mosquittoVerdict({ code: 1, said }), {
    verdict: "fail",
    why: "FAIL: Received incorrect connack.; Received: CONNACK, rl=2, res=0, rc=1; Expected (not decoded, len=11): b'abc'; proto_ver=5",
  });
  assert.equal(mosquittoVerdict({ code: 1, said: "x".repeat(400) }).why, `${"x".repeat(300)}...`);
  assert.deepEqual(mosquittoVerdict({ code: 0, said: "" }), { verdict: "pass" });
});

test("the sequences are parts of one test", () => {
  const said = `\x1b[32mv5.0   AUTH F0\x1b[0m
\x1b[31mv5.0   AUTH F1 failed: Still connected\x1b[0m
\x1b[31mv3.1.1 PUBLISH 30 failed: \x1b[0m
3 tests total
1 tests succeeded
`;
  const failed = [
    { name: "v5.0 AUTH F1", why: "Still connected" },
    { name: "v3.1.1 PUBLISH 30", why: "" },
  ];
  assert.deepEqual(mosquittoVerdict({ code: 1, said }), {
    verdict: "fail",
    why: "2 of 3 parts fail",
    parts: { total: 3, failed },
  });
  const fine = "\x1b[32mv5.0   AUTH F0\x1b[0m\n1 tests total\n1 tests succeeded\n";
  assert.deepEqual(mosquittoVerdict({ code: 0, said: fine }), { verdict: "pass", parts: { total: 1, failed: [] } });
});
