import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoapRequest, type CoapResponse, OPTION, uint } from "../../../../../src/protocols/coap/index.js";
import { block, uintOption } from "../../../../../src/protocols/coap/options.js";
import type { Peer } from "../../../../../src/protocols/datagram/index.js";
import { EMPTY, known, message, PEER, path, peerAt, read, stage } from "./stage.js";

const DEVICE = known(PEER);
const accept = (): CoapResponse => ({ code: "2.05", payload: "18.5 Cel", observe: () => () => {} });

let id = 100;
function register(
  to: ReturnType<typeof stage>,
  target: string,
  token: number,
  { peer = DEVICE, options = [uint(0, 0)] } = {},
) {
  id++;
  return to.receive(
    message({
      messageId: id,
      token: Uint8Array.of(token),
      options: [uint(OPTION.observe, 0), ...path(target), ...options.filter(({ number }) => number !== 0)],
    }),
    { peer },
  );
}

/** One observer of `/t` with a proved address, whose registration was answered. */
function observed(options: Parameters<typeof stage>[0] = {}, type: "CON" | "NON" = "CON") {
  const to = stage(options, accept);
  to.receive(message({ type, messageId: 1, options: [uint(OPTION.observe, 0), ...path("t")] }), { peer: DEVICE });
  to.datagrams();
  return to;
}

test("RFC 7641 figure 2: registration, notifications with the token of the registration, in ascending order", () => {
  const to = stage({ epoch: 12 }, accept);
  to.receive(message({ messageId: 7, options: [uint(OPTION.observe, 0), ...path("temperature")] }), { peer: DEVICE });
  assert.deepEqual(to.lines(), ["ACK 2.05 7 4a observe=12 18.5 Cel"]);
  to.wait(32);
  to.notify(0, "22.9 Cel", { confirmable: false });
  assert.deepEqual(to.lines(), ["NON 2.05 0 4a observe=44 22.9 Cel"]);
  to.wait(16);
  to.notify(0, "23.1 Cel", { confirmable: false });
  assert.deepEqual(to.lines(), ["NON 2.05 1 4a observe=60 23.1 Cel"]);
  assert.deepEqual(to.outcomes, ["22.9 Cel:sent", "23.1 Cel:sent"]);
});

test("RFC 7641 A.1: a client that has forgotten resets the notification, and is off the list", () => {
  const to = observed();
  to.notify(0, "19.2", { confirmable: false });
  assert.deepEqual(to.lines(), ["NON 2.05 0 4a observe=1 19.2"]);
  assert.equal(to.reply("RST", 0, DEVICE), "rejected");
  assert.deepEqual([to.endings, to.endpoint.state.observers], [[0], 0]);
  to.notify(0, "19.3");
  assert.deepEqual([to.lines(), to.outcomes], [[], ["19.2:sent", "19.3:ended"]]);
});

test("what is asked of the handler says so: Observe 0, 1, others, and where it means nothing", () => {
  const seen = (parts: Parameters<typeof message>[0], how?: { multicast: boolean }): CoapRequest["observe"] => {
    const to = stage();
    to.receive(message({ type: "NON", ...parts }), how);
    return to.requests[0]?.observe;
  };
  const observe = (value: number) => [uint(OPTION.observe, value)];
  assert.equal(seen({ options: observe(0) }), "register");
  assert.equal(seen({ options: observe(1) }), "deregister");
  assert.equal(seen({ code: "0.05", options: observe(0) }), "register", "FETCH (RFC 8132 2.4)");
  assert.equal(seen({ options: observe(2) }), undefined);
  assert.equal(seen({ options: [] }), undefined);
  assert.equal(seen({ code: "0.02", options: observe(0) }), undefined, "POST");
  assert.equal(seen({ options: [...observe(0), block(OPTION.block2, { num: 1, more: false, szx: 2 })] }), undefined);
  assert.equal(seen({ options: observe(0) }, { multicast: true }), undefined, "to a group");
});

test("an answer that is none, or has no observer, has no Observe option and ends what was there", () => {
  for (const answer of [{ code: "2.05" }, { code: "4.04" }, { ...accept(), code: "5.03" }] as const) {
    let response: CoapResponse = accept();
    const to = stage({}, () => response);
    register(to, "t", 1);
    to.datagrams();
    response = answer;
    register(to, "t", 1);
    const [sent] = to.datagrams();
    assert.equal(uintOption(read(sent).options, OPTION.observe), undefined);
    assert.deepEqual([to.endings, to.endpoint.state.observers], [[0], 0]);
  }
});

test("deregistration is by the token, whatever the handler answers (RFC 7641 3.6)", () => {
  const to = observed();
  const ask = (token: number, messageId: number) =>
    message({ messageId, token: Uint8Array.of(token), options: [uint(OPTION.observe, 1), ...path("t")] });
  to.receive(ask(0x4b, 2), { peer: DEVICE });
  to.receive(ask(0x4a, 2), { peer: peerAt(5001) });
  assert.deepEqual(to.endings, []);
  to.receive(ask(0x4a, 3), { peer: DEVICE });
  assert.deepEqual([to.endings, to.requests.at(-1)?.observe, to.endpoint.state.observers], [[0], "deregister", 0]);
});

test("a registration takes the place of one with its token, or of the same target (RFC 7641 4.1)", () => {
  const to = stage({}, accept);
  register(to, "a", 1);
  register(to, "b", 2);
  assert.equal(to.endpoint.state.observers, 2);
  register(to, "a", 1);
  assert.deepEqual(to.endings, [0], "renewed");
  register(to, "a", 3);
  assert.deepEqual(to.endings, [0, 2], "the same target with another token");
  register(to, "c", 2);
  assert.deepEqual(to.endings, [0, 2, 1], "the same token for another target");
  register(to, "a", 1, { peer: known(peerAt(5001)) });
  register(to, "a", 4, { options: [{ number: OPTION.uriQuery, value: Buffer.from("x") }] });
  assert.deepEqual([to.endings.length, to.endpoint.state.observers], [3, 4], "others are others");
});

test("what waits for its outcome hears that a registration took its place, and numbers go on", () => {
  const to = observed({ epoch: 1000 });
  to.notify(0, "a");
  to.notify(0, "b");
  to.datagrams();
  to.receive(message({ messageId: 2, options: [uint(OPTION.observe, 0), ...path("t")] }), { peer: DEVICE });
  assert.deepEqual(to.outcomes, ["a:ended", "b:ended"]);
  assert.deepEqual(to.lines(), ["ACK 2.05 2 4a observe=1002 18.5 Cel"]);
  assert.equal(to.endpoint.state.unacknowledged, 0, "it is not sent again");
});

test("numbers have 24 bits, ascend within a millisecond, and after a restart (RFC 7641 4.4)", () => {
  const numbers = (to: ReturnType<typeof stage>) => {
    to.notify(0, "x", { confirmable: false });
    return to.datagrams().map((bytes) => uintOption(read(bytes).options, OPTION.observe));
  };
  const to = observed({ epoch: 2 ** 24 - 2 });
  assert.deepEqual([...numbers(to), ...numbers(to)], [2 ** 24 - 1, 0]);
  to.wait(5000);
  assert.deepEqual(numbers(to), [4998]);
  assert.deepEqual(numbers(observed({ epoch: 2 ** 24 - 2 + 6000 })), [5999]);
});

test("a confirmable registration gets confirmable notifications, unless the handler has it otherwise", () => {
  const confirmable = observed();
  confirmable.notify(0, "a");
  assert.deepEqual(confirmable.lines(), ["CON 2.05 0 4a observe=1 a"]);
  assert.equal(confirmable.reply("ACK", 0, DEVICE), "acknowledged");
  confirmable.notify(0, "b", { confirmable: false });
  assert.match(confirmable.lines()[0] ?? "", /^NON/);
  assert.deepEqual(confirmable.outcomes, ["a:acknowledged", "b:sent"]);
  const not = observed({}, "NON");
  not.notify(0, "a");
  not.notify(0, "b", { confirmable: true });
  assert.deepEqual(not.lines(), ["NON 2.05 1 4a observe=1 a", "CON 2.05 2 4a observe=2 b"]);
});

test("after 16 that were not confirmable, or after 24 hours, one is (RFC 7641 4.5)", () => {
  const to = observed({}, "NON");
  for (let count = 0; count < 16; count++) to.notify(0, "x");
  assert.ok(to.lines().every((line) => line.startsWith("NON")));
  to.notify(0, "y", { confirmable: false });
  const [due] = to.datagrams();
  assert.equal(read(due).type, "CON");
  to.reply("ACK", read(due).messageId, DEVICE);
  to.notify(0, "z");
  assert.match(to.lines()[0] ?? "", /^NON/);
  to.wait(24 * 3_600_000);
  to.notify(0, "daily");
  assert.match(to.lines()[0] ?? "", /^CON/);
});

test("RFC 7641 4.5.2: a newer state waits, and goes in the place of the next retransmission, with what is left of its time-outs", () => {
  const to = observed();
  to.notify(0, "a");
  assert.deepEqual(to.wait(2000), ["CON 2.05 0 4a observe=1 a", "CON 2.05 0 4a observe=1 a"]);
  to.notify(0, "b");
  to.notify(0, "c");
  assert.deepEqual([to.lines(), to.outcomes], [[], ["b:superseded"]]);
  assert.deepEqual(to.wait(3999), []);
  assert.deepEqual(to.wait(1), ["CON 2.05 1 4a observe=6000 c"], "another state is another message");
  assert.deepEqual(to.outcomes, ["b:superseded", "a:superseded"]);
  assert.deepEqual(to.wait(8000), ["CON 2.05 1 4a observe=6000 c"]);
  assert.deepEqual(to.wait(16_000), ["CON 2.05 1 4a observe=6000 c"]);
  assert.equal(to.reply("ACK", 0, DEVICE), "stray", "of the old state");
  assert.equal(to.reply("ACK", 1, DEVICE), "acknowledged");
  assert.deepEqual(to.outcomes.at(-1), "c:acknowledged");
});

test("a newer state goes out at once when the one on its way is acknowledged", () => {
  const to = observed();
  to.notify(0, "a");
  to.notify(0, "b", { confirmable: false });
  to.datagrams();
  to.reply("ACK", 0, DEVICE);
  assert.deepEqual(to.lines(), ["NON 2.05 1 4a observe=2 b"]);
  assert.deepEqual(to.outcomes, ["a:acknowledged", "b:sent"]);
});

test("a reset of the state before the newest one is understood, of one long ago is not", () => {
  const to = observed({}, "NON");
  for (let count = 0; count < 5; count++) to.notify(0, "x");
  assert.equal(to.reply("RST", 1, DEVICE), "stray");
  assert.equal(to.reply("RST", 2, peerAt(9)), "stray", "from elsewhere");
  assert.equal(to.reply("RST", 2, DEVICE), "rejected");
  assert.deepEqual(to.endings, [0]);
});

test("who acknowledges nothing in all the time there is observes nothing any more (RFC 7641 4.5)", () => {
  const to = stage({}, accept);
  register(to, "a", 1);
  register(to, "b", 2);
  to.notify(0, "a");
  to.notify(1, "b", { confirmable: false });
  to.datagrams();
  for (const pause of [2000, 4000, 8000, 16_000]) assert.equal(to.wait(pause).length, 1);
  to.notify(0, "newer");
  assert.deepEqual(to.wait(32_000), []);
  assert.deepEqual(to.outcomes.toSorted(), ["a:ended", "b:sent", "newer:ended"]);
  assert.deepEqual([to.endings, to.endpoint.state.observers, to.endpoint.state.lost], [[0, 1], 0, 1]);
  assert.equal(to.endpoint.deadline, undefined);
});

test("towards one peer one confirmable notification is on its way (NSTART), and all have their turns", () => {
  const to = stage({}, accept);
  for (const token of [1, 2, 3]) register(to, `r${token}`, token);
  register(to, "r1", 1, { peer: known(peerAt(5001)) });
  to.datagrams();
  for (const index of [0, 1, 2]) to.notify(index, `n${index}`);
  to.notify(3, "other");
  assert.deepEqual(
    to.lines().map((line) => line.split(" ").at(-1)),
    ["n0", "other"],
  );
  to.notify(0, "again");
  const turns: string[] = [];
  for (let messageId = 0; messageId < 4; messageId++) {
    to.reply("ACK", messageId, DEVICE);
    turns.push(...to.lines().map((line) => line.split(" ").at(-1) ?? ""));
  }
  assert.deepEqual(turns, ["n1", "n2", "again"]);
});

test("a 4.xx or 5.xx is the last word, without an Observe option (RFC 7641 4.2)", () => {
  const to = observed();
  to.notify(0, "a");
  to.notify(0, "gone", { code: "4.04" });
  to.notify(0, "after");
  assert.deepEqual(to.outcomes, ["after:ended"]);
  to.datagrams();
  to.reply("ACK", 0, DEVICE);
  assert.deepEqual(to.lines(), ["CON 4.04 1 4a gone"]);
  assert.deepEqual(to.endings, []);
  to.reply("ACK", 1, DEVICE);
  assert.deepEqual([to.endings, to.outcomes], [[0], ["after:ended", "a:acknowledged", "gone:acknowledged"]]);
  const not = observed({}, "NON");
  not.notify(0, "gone", { code: "4.04" });
  assert.deepEqual([not.endings, not.outcomes], [[0], ["gone:sent"]]);
});

test("a large state carries its first block, of the size that the registration asked for (RFC 7959 2.6)", () => {
  const to = stage({}, accept);
  register(to, "a", 1);
  register(to, "b", 2, { options: [block(OPTION.block2, { num: 0, more: false, szx: 2 })] });
  to.datagrams();
  to.notify(0, "x", { payload: "x".repeat(1500), confirmable: false });
  to.notify(1, "x", { payload: "x".repeat(1500), confirmable: false });
  assert.deepEqual(to.lines(), [
    "NON 2.05 0 01 observe=1 block2=0/1/1024 1024 B",
    "NON 2.05 1 02 observe=1 block2=0/1/64 64 B",
  ]);
});

test("observers are bounded, in all and for each peer; the others are answered as those who do not observe", () => {
  const to = stage({ maxObservers: 3, maxObserversPerPeer: 2 }, accept);
  const other: Peer = known(peerAt(5001));
  register(to, "a", 1);
  register(to, "b", 2);
  to.datagrams();
  register(to, "c", 3);
  assert.deepEqual(
    to.datagrams().map((bytes) => uintOption(read(bytes).options, OPTION.observe)),
    [undefined],
  );
  register(to, "a", 1);
  assert.equal(to.observations.length, 3, "a renewal needs no room");
  register(to, "a", 1, { peer: other });
  register(to, "b", 2, { peer: other });
  assert.deepEqual([to.endpoint.state.observers, to.observations.length], [3, 4]);
});

test("when the list is full, one whose peer has shown nothing makes room, the oldest first", () => {
  const to = stage({ maxObservers: 3 }, accept);
  register(to, "a", 1);
  register(to, "a", 1, { peer: peerAt(1) });
  register(to, "a", 1, { peer: peerAt(2) });
  register(to, "a", 1, { peer: peerAt(3) });
  assert.deepEqual([to.endings, to.endpoint.state.observers], [[1], 3]);
  to.datagrams();
  for (const [index, port] of [
    [2, 2],
    [3, 3],
  ] as const) {
    to.notify(index, "x");
    to.reply("ACK", read(to.datagrams()[0]).messageId, peerAt(port));
  }
  register(to, "a", 1, { peer: peerAt(4) });
  assert.deepEqual([to.endings, to.observations.length], [[1], 4], "all have shown where they are");
});

test("who has not shown where it is gets short confirmable notifications, one at a time, until it acknowledges one", () => {
  const to = stage({}, accept);
  register(to, "a", 1, { peer: PEER });
  register(to, "b", 2, { peer: PEER });
  to.datagrams();
  to.notify(0, "x", { payload: "x".repeat(1500), confirmable: false });
  to.notify(1, "y", { confirmable: false });
  const [first, ...others] = to.datagrams();
  assert.deepEqual([read(first).type, others.length], ["CON", 0]);
  assert.ok((first?.length ?? 0) <= 136 + 1, `${first?.length} bytes`);
  to.reply("ACK", read(first).messageId, PEER);
  assert.match(to.lines()[0] ?? "", /^NON .* y$/);
  to.notify(0, "x", { payload: "x".repeat(1500), confirmable: false });
  assert.match(to.lines()[0] ?? "", /^NON .* 1024 B$/);
});

test("a peer that is gone, a handler that has enough, and the end of it all", () => {
  const to = stage({}, accept);
  register(to, "a", 1);
  register(to, "b", 2);
  register(to, "a", 1, { peer: known(peerAt(5001)) });
  register(to, "a", 1, { peer: known(peerAt(5002)) });
  for (const index of [0, 2, 3]) to.notify(index, String(index));
  to.datagrams();
  to.gone(DEVICE);
  assert.deepEqual([to.endings, to.outcomes], [[0, 1], ["0:ended"]]);
  to.end(2);
  assert.deepEqual(
    [to.endings, to.outcomes],
    [
      [0, 1, 2],
      ["0:ended", "2:ended"],
    ],
  );
  to.end(2);
  to.close();
  assert.deepEqual([to.endings, to.outcomes.at(-1)], [[0, 1, 2, 3], "3:ended"]);
  assert.deepEqual([to.endpoint.state.observers, to.endpoint.state.unacknowledged, to.lines()], [0, 0, []]);
});

test("when one of a peer's observations ends, another one's state has its turn", () => {
  const to = stage({}, accept);
  register(to, "a", 1);
  register(to, "b", 2);
  to.datagrams();
  to.notify(0, "a");
  to.notify(1, "b");
  to.datagrams();
  to.reply("RST", 0, DEVICE);
  assert.match(to.lines()[0] ?? "", /^CON .* b$/);
});

test("it is known whether a state went out whole, or only the first block of it", () => {
  const to = stage({}, accept);
  const large = { payload: "x".repeat(1500), confirmable: false };
  register(to, "t", 1);
  register(to, "small", 2, { options: [block(OPTION.block2, { num: 0, more: false, szx: 2 })] });
  const partial = (): (boolean | undefined)[] => to.observations.map((one) => one.partial);
  for (const index of [0, 1]) to.notify(index, "x", { payload: "x".repeat(1024), confirmable: false });
  assert.deepEqual(partial(), [false, true]);
  for (const index of [0, 1]) to.notify(index, "x", large);
  assert.deepEqual(partial(), [true, true]);
  for (const index of [0, 1]) to.notify(index, "x", { code: "4.04", payload: "x".repeat(1500), confirmable: false });
  assert.deepEqual(partial(), [false, false], "an error is not cut, or has no more than its code");
});

test("where no message id is free the state waits, and goes when there is one", () => {
  const to = observed({}, "NON");
  const ask = message({ type: "NON", options: path("x") });
  for (let messageId = 0; messageId < 65_536; messageId++) {
    ask[2] = messageId >> 8;
    ask[3] = messageId;
    to.receive(ask, { peer: DEVICE });
  }
  to.datagrams();
  to.notify(0, "late");
  assert.deepEqual([to.lines(), to.outcomes], [[], []]);
  assert.deepEqual(to.wait(200_000), []);
  assert.match(to.wait(48_000).at(-1) ?? "", /late$/);
  assert.deepEqual(to.outcomes, ["late:sent"]);
});

test("a registration whose answer no message can hold changes nothing", () => {
  let options: NonNullable<CoapResponse["options"]> = [];
  const to = stage({}, () => ({ ...accept(), options }));
  register(to, "a", 1);
  options = [{ number: 70_000, value: EMPTY }];
  assert.throws(() => register(to, "a", 2), RangeError);
  assert.deepEqual([to.endings, to.observations.length, to.endpoint.state.observers], [[], 1, 1]);
  to.datagrams();
  to.notify(0, "x");
  assert.deepEqual(to.lines(), ["CON 2.05 0 01 observe=1 x"], "the first one is still there");
});

test("a state with an option that no message can hold is refused at once, also if it would have to wait", () => {
  const to = observed();
  to.notify(0, "on its way");
  const [observation] = to.observations;
  assert.ok(observation !== undefined);
  const state = { code: "2.05", options: [{ number: 70_000, value: EMPTY }] } as const;
  assert.throws(() => to.endpoint.notify(observation, { state, confirmable: true, settle: () => {} }, 0), RangeError);
});
