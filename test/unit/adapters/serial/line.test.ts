import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createLine, type Request } from "../../../../adapters/serial/line.js";
import { WeirError } from "../../../../src/core/errors.js";
import { bytes, isCode } from "./fixtures.js";

const forEver = () => Number.POSITIVE_INFINITY;

function setup() {
  const written: string[] = [];
  let stuck: Promise<void> = Promise.resolve();
  const line = createLine("air", async (request) => {
    written.push(Buffer.from(request).toString());
    await stuck;
  });
  return {
    line,
    written,
    block: () => {
      let open: () => void = () => {};
      stuck = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
  };
}

function request(text: string, answers: string | readonly string[] = [], timeout = 60_000): Request {
  return { request: bytes(text), answers: typeof answers === "string" ? [answers] : answers, timeout };
}

const ack = { kind: "values", message: "ack", values: [{ resource: "level", value: 1, quality: "good" }] } as const;

test("a request without an answer ends when its bytes are sent", async () => {
  const { line, written } = setup();
  assert.equal(await line.ask(request("a"), forEver), undefined);
  assert.deepEqual(written, ["a"]);
});

test("one thing at a time: the next is sent after the answer", async () => {
  const { line, written } = setup();
  const first = line.ask(request("a", "ack"), forEver);
  const second = line.ask(request("b"), forEver);
  await turn();
  assert.deepEqual(written, ["a"]);
  line.heard({ kind: "values", message: "other", values: [] });
  await turn();
  assert.deepEqual(written, ["a"], "another message is no answer");
  line.heard(ack);
  assert.deepEqual(await first, ack);
  await second;
  assert.deepEqual(written, ["a", "b"]);
});

test("an answer that comes before the system says that all is sent counts", async () => {
  const { line, block } = setup();
  const open = block();
  const answer = line.ask(request("a", "ack"), forEver);
  await turn();
  line.heard(ack);
  open();
  assert.deepEqual(await answer, ack);
});

test("any of several answers ends the wait, and whoever asked hears which one", async () => {
  const { line } = setup();
  for (const message of ["measurement", "fault"]) {
    const answer = line.ask(request("a", ["measurement", "fault"]), forEver);
    await turn();
    line.heard(ack);
    line.heard({ kind: "values", message, values: [] });
    assert.equal((await answer)?.message, message);
  }
  const broken = line.ask(request("a", ["measurement", "fault"]), forEver);
  await turn();
  line.heard({ kind: "bad", message: "fault", reason: "too short" });
  await assert.rejects(broken, /air answered with a fault that could not be decoded: too short/);
  await assert.rejects(
    line.ask(request("a", ["measurement", "first_day", "fault"], 1), forEver),
    /air sent no measurement, first_day or fault within 1 ms/,
  );
});

test("no answer in time is DEVICE_NO_ANSWER, and the next has its turn", async () => {
  const { line, written } = setup();
  await assert.rejects(line.ask(request("a", "ack", 1), forEver), isCode("DEVICE_NO_ANSWER"));
  line.heard(ack);
  await line.ask(request("b"), forEver);
  assert.deepEqual(written, ["a", "b"]);
});

test("who asks has a deadline of its own that can be shorter", async () => {
  const { line } = setup();
  await assert.rejects(
    line.ask(request("a", "ack"), () => 1),
    isCode("DEVICE_NO_ANSWER"),
  );
});

test("a request whose time ran out in the queue is not sent", async () => {
  const { line, written } = setup();
  let remaining = 1000;
  const first = line.ask(request("a", "ack"), forEver);
  const late = line.ask(request("b"), () => remaining);
  await turn();
  remaining = 0;
  line.heard(ack);
  await first;
  await assert.rejects(late, isCode("COMMAND_EXPIRED"));
  assert.deepEqual(written, ["a"]);
});

test("an answer that could not be decoded is PAYLOAD_INVALID at once", async () => {
  const { line } = setup();
  const answer = line.ask(request("a", "ack"), forEver);
  await turn();
  line.heard({ kind: "bad", message: "ack", reason: "value 9 is none of the enumeration" });
  await assert.rejects(answer, (error: Error) => isCode("PAYLOAD_INVALID")(error) && /value 9/.test(error.message));
});

test("a write that fails is told to whoever asked", async () => {
  const line = createLine("air", () => Promise.reject(new WeirError("PORT_FAILED", "gone")));
  await assert.rejects(line.ask(request("a", "ack"), forEver), isCode("PORT_FAILED"));
  await assert.rejects(line.ask(request("a"), forEver), isCode("PORT_FAILED"));
});

test("closing ends what is under way and all that waits", async () => {
  const { line, written } = setup();
  const asked = ["a", "b", "c"].map((text) => line.ask(request(text, "ack"), forEver));
  await turn();
  line.close(new WeirError("DEVICE_OFFLINE", "unplugged"));
  for (const result of await Promise.allSettled(asked)) {
    assert.ok(result.status === "rejected" && isCode("DEVICE_OFFLINE")(result.reason));
  }
  await assert.rejects(line.ask(request("d"), forEver), isCode("DEVICE_OFFLINE"));
  assert.deepEqual(written, ["a"]);
});

test("the queue is bounded", async () => {
  const { line } = setup();
  const asked = Array.from({ length: 64 }, () => line.ask(request("a", "ack"), forEver));
  await assert.rejects(line.ask(request("b"), forEver), isCode("COMMAND_QUEUE_FULL"));
  line.close(new WeirError("DEVICE_OFFLINE", "end"));
  await Promise.allSettled(asked);
});
