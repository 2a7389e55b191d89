import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort, residentMb, residentMbOf, start } from "../../../bench/subject.js";

/** A program that answers a CONNECT with these bytes and says the word. */
function program(port: number, answer: readonly number[]): string[] {
  const code = `
    require("node:net")
      .createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.write(Buffer.from(${JSON.stringify(answer)})));
      })
      .listen(${port}, "127.0.0.1", () => console.error("now ready"));
    ${answer[3] === 0 ? "" : "setTimeout(() => process.exit(7), 200);"}`;
  return ["-e", code];
}

test("a subject is up when it accepts an MQTT client, and is gone after stop", async () => {
  const port = await freePort();
  const subject = await start(process.execPath, program(port, [0x20, 2, 0, 0]), port, "ready");
  try {
    assert.ok(subject.answeredMs > 0);
    assert.ok(subject.saidMs() > 0);
    assert.ok((await residentMb(subject.process.pid ?? 0)) > 1);
  } finally {
    await subject.stop();
  }
  assert.notEqual(subject.process.signalCode ?? subject.process.exitCode, null);
});

test("a program that refuses the client is not up; one that ends is an error with what it said", async () => {
  const port = await freePort();
  await assert.rejects(
    start(process.execPath, program(port, [0x20, 2, 0, 5]), port),
    /it ended with 7\n(.*\n)*now ready/,
  );
});

test("a program that is not there is an error that says so", async () => {
  await assert.rejects(start("/nowhere/weir", [], await freePort()), /\/nowhere\/weir : .*ENOENT/);
});

test("resident memory is read from the status text in units of 1024 bytes", () => {
  assert.equal(residentMbOf("Name:\tnode\nVmHWM:\t  9 kB\nVmRSS:\t   125000 kB\nThreads:\t7\n"), 128);
  assert.throws(() => residentMbOf("Name:\tnode\nState:\tZ (zombie)\n"), /has the process ended/);
});
