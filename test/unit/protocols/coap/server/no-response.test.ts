import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoapResponse, type Code, OPTION, uint } from "../../../../../src/protocols/coap/index.js";
import { block } from "../../../../../src/protocols/coap/options.js";
import { message, stage } from "./stage.js";

const none = (mask: number) => uint(OPTION.noResponse, mask);

for (const [mask, code, wanted] of [
  [2, "2.04", false],
  [2, "4.04", true],
  [8, "4.04", false],
  [8, "5.00", true],
  [16, "5.00", false],
  [26, "2.05", false],
  [0, "4.04", true],
] as const satisfies readonly (readonly [number, Code, boolean])[]) {
  test(`No-Response ${mask}: ${code} is ${wanted ? "" : "not "}sent (RFC 7967 2.1)`, () => {
    const to = stage({}, () => ({ code }));
    to.receive(message({ type: "NON", messageId: 1, options: [none(mask)] }));
    assert.equal(to.lines().length, wanted ? 1 : 0);
    to.receive(message({ messageId: 2, options: [none(mask)] }));
    const [acknowledgement] = to.lines();
    assert.equal(acknowledgement, wanted ? `ACK ${code} 2 4a` : "ACK 0.00 2", "a confirmable one is acknowledged");
    to.receive(message({ messageId: 2, options: [none(mask)] }));
    assert.deepEqual(to.lines(), [acknowledgement], "so is its duplicate");
  });
}

test("an answer that comes after the acknowledgement and is not wanted does not come", () => {
  const to = stage();
  to.receive(message({ options: [none(2)] }));
  assert.deepEqual(to.wait(1000), ["ACK 0.00 7"]);
  to.respond({ code: "2.04" });
  assert.deepEqual([to.lines(), to.endpoint.state.unacknowledged], [[], 0]);
});

test("2.31 is sent whatever is wanted: the next block waits for it", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  const options = [none(26), block(OPTION.block1, { num: 0, more: true, szx: 0 })];
  to.receive(message({ code: "0.03", options, payload: new Uint8Array(16) }));
  assert.deepEqual(to.lines(), ["ACK 2.31 7 4a block1=0/1/16"]);
});

test("who does not want to hear that it observes does not", () => {
  const answer: CoapResponse = { code: "2.05", observe: () => () => {} };
  const to = stage({}, () => answer);
  to.receive(message({ options: [uint(OPTION.observe, 0), none(2)] }));
  assert.deepEqual([to.lines(), to.endpoint.state.observers], [["ACK 0.00 7"], 0]);
});

test("a malformed one is ignored: it is elective", () => {
  const to = stage({}, () => ({ code: "2.04" }));
  to.receive(message({ options: [{ number: OPTION.noResponse, value: Uint8Array.of(1, 2) }] }));
  assert.deepEqual(to.lines(), ["ACK 2.04 7 4a"]);
});
