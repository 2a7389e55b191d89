import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoapResponse, OPTION, uint } from "../../../../../src/protocols/coap/index.js";
import { message, peerAt, stage } from "./stage.js";

const yes = (): CoapResponse => ({ code: "2.05", payload: "yes" });

test("a group answers at any time within its leisure, not confirmable (RFC 7252 8.2)", () => {
  const to = stage({ random: () => 0.5, leisure: 3000 }, yes);
  to.receive(message({ type: "NON" }), { multicast: true });
  assert.deepEqual([to.lines(), to.endpoint.deadline, to.endpoint.state.delayed], [[], 1500, 1]);
  assert.deepEqual(to.wait(1499), []);
  assert.deepEqual(to.wait(1), ["NON 2.05 32768 4a yes"]);
  assert.equal(to.endpoint.state.delayed, 0);
});

test("the leisure is 5 s if nothing else is said", () => {
  const to = stage({ random: () => 0.999 }, yes);
  to.receive(message({ type: "NON" }), { multicast: true });
  assert.equal(to.endpoint.deadline, 4995);
});

test("errors and empty answers are left out, unless the client says what it wants (RFC 7967 2.1)", () => {
  const answered = (response: CoapResponse, mask?: number): boolean => {
    const to = stage({}, () => response);
    const options = mask === undefined ? [] : [uint(OPTION.noResponse, mask)];
    to.receive(message({ type: "NON", options }), { multicast: true });
    return to.wait(5000).length === 1;
  };
  assert.equal(answered({ code: "2.05" }), false);
  assert.equal(answered({ code: "4.04", payload: "no" }), false);
  assert.equal(answered({ code: "4.04", payload: "no" }, 0), true);
  assert.equal(answered({ code: "2.05", payload: "yes" }, 2), false);
});

test("answers that wait are bounded", () => {
  const to = stage({}, yes);
  for (let port = 1; port <= 300; port++) to.receive(message({ type: "NON" }), { multicast: true, peer: peerAt(port) });
  assert.equal(to.endpoint.state.delayed, 256);
  assert.equal(to.wait(0).length, 256);
});
