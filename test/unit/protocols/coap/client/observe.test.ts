import assert from "node:assert/strict";
import { test } from "node:test";
import { OPTION } from "../../../../../src/protocols/coap/index.js";
import { peerAt } from "../server/stage.js";
import { asking, GET } from "./stage.js";

/** An observation whose first state came with sequence number 12 and was taken. */
function observing(options: Parameters<typeof asking>[0] = {}, maxAge = 60) {
  const bench = asking(options);
  bench.observe();
  bench.receive(`ACK 2.05 0 01 observe=12 max-age=${maxAge} 22.9`);
  bench.taken();
  return bench;
}

test("RFC 7641 figure 2: registration and notifications with its token", () => {
  const { observe, receive, taken, endpoint } = asking();
  assert.deepEqual(observe(), ["CON 0.01 0 01 observe=0"]);
  assert.deepEqual(receive("ACK 2.05 0 01 observe=12 22.9 Cel"), ["response", "state 22.9 Cel"]);
  assert.deepEqual(taken(), []);
  assert.deepEqual(receive("NON 2.05 7 01 observe=44 22.8 Cel"), ["notification", "state 22.8 Cel"]);
  taken();
  assert.deepEqual(receive("NON 2.05 8 01 observe=60 23.1 Cel"), ["notification", "state 23.1 Cel"]);
  assert.equal(endpoint.state.observations, 1);
});

test("a confirmable state is acknowledged once it was taken; copies meanwhile are not, nor given out again", () => {
  const { receive, taken } = observing();
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["notification", "state a"]);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["duplicate"]);
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["duplicate", "ACK 0.00 7"]);
});

test("a state that is refused is not acknowledged; sent again it is given out again", () => {
  const { receive, taken, refused } = observing();
  receive("CON 2.05 7 01 observe=13 a");
  assert.deepEqual(refused(), []);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["notification", "state a"]);
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
});

test("a state that nobody sends again is asked for, if it is refused", () => {
  const { receive, refused, wait, taken } = observing();
  receive("NON 2.05 7 01 observe=13 a");
  refused();
  assert.deepEqual(wait(4999), []);
  assert.deepEqual(wait(1), ["CON 0.01 1 01 observe=0"]);
  assert.deepEqual(receive("ACK 2.05 1 01 observe=13 a"), ["response", "state a"]);
  taken();
});

test("states are given out one at a time, in order; the next one once the last was taken", () => {
  const { receive, taken } = observing();
  receive("CON 2.05 7 01 observe=13 a");
  assert.deepEqual(receive("CON 2.05 8 01 observe=14 b"), ["notification"]);
  assert.deepEqual(receive("NON 2.05 9 01 observe=15 c"), ["notification"]);
  assert.deepEqual(taken(), ["ACK 0.00 7", "state b"]);
  assert.deepEqual(taken(), ["ACK 0.00 8", "state c"]);
  assert.deepEqual(taken(), []);
});

test("an older state is acknowledged and not given out (RFC 7641 3.4)", () => {
  const { receive, wait } = observing();
  assert.deepEqual(receive("CON 2.05 7 01 observe=11 old"), ["stale", "ACK 0.00 7"]);
  assert.deepEqual(receive("NON 2.05 8 01 observe=12 same"), ["stale"]);
  wait(10_000);
  assert.deepEqual(receive("NON 2.05 9 01 observe=16777215 overtaken"), ["stale"]);
  assert.deepEqual(receive("NON 2.05 10 01 observe=13 new"), ["notification", "state new"]);
});

test("after 128 s any number is newer: the server began anew", () => {
  const { receive, wait } = observing({}, 600);
  wait(128_000);
  assert.deepEqual(receive("NON 2.05 8 01 observe=1 x"), ["stale"]);
  wait(1);
  assert.deepEqual(receive("NON 2.05 9 01 observe=1 x"), ["notification", "state x"]);
});

test("what waits to be taken is bounded: more is not acknowledged, and taken when it comes again", () => {
  const { receive, taken } = observing();
  for (let number = 13; number < 21; number++) receive(`CON 2.05 ${number} 01 observe=${number} ${number}`);
  assert.deepEqual(receive("CON 2.05 21 01 observe=21 21"), ["overload"]);
  taken();
  assert.deepEqual(receive("CON 2.05 21 01 observe=21 21"), ["notification"]);
});

test("where nothing came for Max-Age and 5 to 15 s it is renewed with the same token (RFC 7641 3.3.1)", () => {
  const { receive, wait, taken } = observing({ random: () => 0 }, 10);
  assert.deepEqual(wait(14_999), []);
  assert.deepEqual(wait(1), ["CON 0.01 1 01 observe=0"]);
  assert.deepEqual(receive("ACK 2.05 1 01 observe=13 max-age=20 b"), ["response", "state b"]);
  taken();
  wait(10_000);
  receive("NON 2.05 9 01 observe=14 max-age=20 c");
  assert.deepEqual(wait(24_999), [], "what came meanwhile counts");
  assert.deepEqual(wait(1), ["CON 0.01 2 01 observe=0"]);
  assert.deepEqual(receive("ACK 2.05 2 01 observe=1 d"), ["response"], "c is not taken yet");
  assert.deepEqual(taken(), ["state d"], "a server that began anew is believed what it answers");
});

test("a renewal that comes in a message of its own, and is not newer, is renewed again", () => {
  const { receive, wait, endpoint } = observing({ random: () => 0 }, 10);
  wait(15_000);
  receive("ACK 0.00 1");
  assert.deepEqual(receive("CON 2.05 8 01 observe=3 max-age=10 x"), ["response", "ACK 0.00 8"]);
  assert.equal(endpoint.state.observations, 1);
  assert.deepEqual(wait(15_000), ["CON 0.01 2 01 observe=0"]);
});

test("a renewal without an answer ends it: TIMEOUT", () => {
  const { wait, endpoint } = observing({}, 10);
  wait(15_000);
  for (const pause of [2000, 4000, 8000, 16_000]) wait(pause);
  assert.deepEqual(wait(32_000), ["over! TIMEOUT"]);
  assert.deepEqual([endpoint.state.observations, endpoint.deadline], [0, undefined]);
});

test("a notification during a renewal stands for its answer", () => {
  const { receive, wait, taken } = observing({}, 10);
  wait(15_000);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["response", "state a"]);
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
  assert.deepEqual(receive("ACK 2.05 1 01 observe=13 a"), ["stray"]);
  assert.deepEqual(wait(10_000), [], "it is not sent again");
});

test("an answer without Observe ends it: the server does not keep a list (RFC 7641 3.2)", () => {
  const { observe, receive, endpoint } = asking();
  observe();
  assert.deepEqual(receive("ACK 2.05 0 01 22.9"), ["response", "over 2.05 22.9"]);
  assert.deepEqual([endpoint.state.observations, endpoint.deadline], [0, undefined]);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["stray", "RST 0.00 7"]);
});

test("an error ends it, at first or later, after what is still to be taken (RFC 7641 4.2)", () => {
  const first = asking();
  first.observe();
  assert.deepEqual(first.receive("ACK 4.04 0 01 none"), ["response", "over 4.04 none"]);
  const { receive, taken, endpoint } = observing();
  receive("NON 2.05 7 01 observe=13 a");
  assert.deepEqual(receive("CON 4.04 8 01 gone"), ["notification", "ACK 0.00 8"]);
  assert.equal(endpoint.state.observations, 0);
  assert.deepEqual(taken(), ["over 4.04 gone"]);
});

test("a notification with a critical option that is unknown is reset, and ends it", () => {
  const { receive, endpoint } = observing();
  const options = [{ number: 9, value: new Uint8Array(1) }];
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a", { options }), ["bad_option", "RST 0.00 7", "over! OPTION"]);
  assert.equal(endpoint.state.observations, 0);
});

test("RFC 7641 A.1 and 3.6: cancelled, the server is told with the same token; what still comes is reset", () => {
  const { cancel, receive, endpoint } = observing();
  assert.deepEqual(cancel(), ["CON 0.01 1 01 observe=1"]);
  assert.deepEqual(receive("ACK 2.05 1 01 22.9"), ["response", "cancelled"]);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 a"), ["stray", "RST 0.00 7"]);
  assert.deepEqual(receive("NON 2.05 8 01 observe=14 b"), ["stray", "RST 0.00 8"]);
  assert.deepEqual([endpoint.state.observations, endpoint.state.requests], [0, 0]);
  assert.deepEqual(cancel(), ["cancelled"]);
});

test("cancelled: before it was sent nothing is; a server that is silent is not waited for longer than the standard has it", () => {
  const { ask, observe, cancel, wait, endpoint } = asking();
  ask(GET);
  observe();
  assert.deepEqual(cancel(), ["cancelled"]);
  const silent = asking();
  silent.observe();
  assert.deepEqual(silent.cancel(), ["CON 0.01 1 01 observe=1"]);
  for (const pause of [2000, 4000, 8000, 16_000]) silent.wait(pause);
  assert.deepEqual(silent.wait(32_000), ["cancelled"]);
  assert.deepEqual([silent.endpoint.deadline, silent.endpoint.state.questions], [undefined, 0]);
  assert.equal(endpoint.state.observations, 0);
  wait(1);
});

test("cancelled while a state is being taken: that is still acknowledged, those behind it are not given out", () => {
  const { receive, cancel, taken } = observing();
  receive("CON 2.05 7 01 observe=13 a");
  receive("CON 2.05 8 01 observe=14 b");
  cancel();
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
});

test("RFC 7959 figure 13: the rest of a large state is fetched with tokens of its own, then it is given out and acknowledged", () => {
  const { receive, taken, endpoint } = observing();
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 etag=aa block2=0/1/128 *128"), [
    "notification",
    "CON 0.01 1 02 block2=1/0/128",
  ]);
  assert.deepEqual(receive("ACK 2.05 1 02 etag=aa block2=1/0/128 end"), ["response", "state 131 B"]);
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
  assert.equal(endpoint.state.questions, 0);
});

test("the first state may be large, too", () => {
  const { observe, receive } = asking();
  observe();
  assert.deepEqual(receive("ACK 2.05 0 01 observe=1 block2=0/1/16 *16"), ["response", "CON 0.01 1 02 block2=1/0/16"]);
  assert.deepEqual(receive("ACK 2.05 1 02 block2=1/0/16 end"), ["response", `state ${"*".repeat(16)}end`]);
});

test("a newer state overtakes one whose rest is being fetched", () => {
  const { receive, taken, wait } = observing();
  receive("CON 2.05 7 01 observe=13 block2=0/1/16 *16");
  assert.deepEqual(receive("CON 2.05 8 01 observe=14 small"), ["notification", "ACK 0.00 7", "state small"]);
  assert.deepEqual(taken(), ["ACK 0.00 8"]);
  assert.deepEqual(receive("ACK 2.05 1 02 block2=1/0/16 late"), ["stray"]);
  assert.deepEqual(wait(3000), []);
});

test("a state whose rest cannot be had is not acknowledged, and given out when it comes again whole", () => {
  const { receive, taken } = observing();
  receive("CON 2.05 7 01 observe=13 block2=0/1/16 *16");
  assert.deepEqual(receive("RST 0.00 1"), ["rejected"]);
  assert.deepEqual(receive("CON 2.05 7 01 observe=13 whole"), ["notification", "state whole"]);
  assert.deepEqual(taken(), ["ACK 0.00 7"]);
});

test("a state that is larger than what is taken ends it", () => {
  const { observe, receive } = asking({ maxAnswer: 20 });
  observe();
  receive("ACK 2.05 0 01 observe=1 block2=0/1/16 *16");
  assert.deepEqual(receive("ACK 2.05 1 02 block2=1/0/16 *16"), ["response", "over! TOO_LARGE"]);
});

test("a registration is answered with an Echo where the server wants one", () => {
  const { observe, receive } = asking();
  observe();
  assert.deepEqual(receive("ACK 4.01 0 01 echo=aa"), ["response", "CON 0.01 1 01 observe=0"]);
  assert.deepEqual(receive("ACK 2.05 1 01 observe=1 x"), ["response", "state x"]);
});

test("observations are bounded; a peer that is gone, or a close, ends them", () => {
  const { observe, receive, gone, endpoint } = asking({ maxObservations: 1 });
  observe();
  assert.deepEqual(observe(), ["over! BUSY"]);
  assert.deepEqual(observe({ ...GET, options: [{ number: OPTION.observe, value: new Uint8Array(0) }] }), [
    "over! INVALID",
  ]);
  receive("ACK 2.05 0 01 observe=1 x");
  assert.deepEqual(gone(peerAt(9)), []);
  assert.deepEqual(gone(), ["over! GONE"]);
  assert.deepEqual([endpoint.state.observations, endpoint.deadline], [0, undefined]);
  const closing = observing();
  assert.deepEqual(closing.close(), ["over! CLOSED"]);
});

test("a notification from elsewhere is a stranger's, and one to a group", () => {
  const { receive } = observing();
  assert.deepEqual(receive("NON 2.05 7 01 observe=13 forged", { peer: peerAt(9) }), ["stray", "9: RST 0.00 7"]);
  assert.deepEqual(receive("NON 2.05 7 01 observe=13 forged", { multicast: true }), ["stray"]);
  assert.deepEqual(receive("ACK 2.05 7 01 observe=13 forged"), ["stray"]);
});
