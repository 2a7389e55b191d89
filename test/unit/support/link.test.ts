import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.js";
import { type Link, openLink } from "../../support/link.js";

interface End {
  readonly socket: Socket;
  heard: string;
  fault: string;
}

function watch(socket: Socket): End {
  const end: End = { socket, heard: "", fault: "" };
  socket.setEncoding("latin1").on("data", (text: string) => {
    end.heard += text;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end.fault = error.code ?? error.message;
  });
  return end;
}

async function bench(t: TestContext): Promise<{ link: Link; dial(): Promise<[End, End]> }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const link = await openLink((server.address() as AddressInfo).port);
  const all: Socket[] = [];
  t.after(async () => {
    for (const socket of all) socket.destroy();
    await link.close();
    server.close();
  });
  const dial = async (): Promise<[End, End]> => {
    const arrived = once(server, "connection") as Promise<[Socket]>;
    const near = connect(link.port, "127.0.0.1");
    const [far] = await arrived;
    all.push(near, far);
    await eventually(() => link.open > 0, "the link is open");
    return [watch(near), watch(far)];
  };
  return { link, dial };
}

test("passes both ways and counts", async (t) => {
  const { link, dial } = await bench(t);
  const [near, far] = await dial();
  near.socket.write("up!");
  far.socket.write("down");
  await eventually(() => far.heard === "up!" && near.heard === "down", "both are there");
  assert.deepEqual(link.passed, { up: 3, down: 4 });
  near.socket.end("last");
  await eventually(() => far.heard === "up!last" && far.socket.closed, "an end is passed on, after what was sent");
});

test("close and reset end both ends, and let new connections through", async (t) => {
  const { link, dial } = await bench(t);
  for (const how of ["close", "reset"] as const) {
    const [near, far] = await dial();
    link.cut(how);
    await eventually(() => near.socket.closed && far.socket.closed, `${how} is told`);
    assert.deepEqual([near.fault, far.fault], how === "reset" ? ["ECONNRESET", "ECONNRESET"] : ["", ""]);
    assert.equal(link.open, 0);
  }
});

test("a frozen link tells nobody, even when one end goes", async (t) => {
  const { link, dial } = await bench(t);
  const [near, far] = await dial();
  link.cut("freeze");
  assert.equal(link.open, 0);
  near.socket.write("into the void");
  const [next, other] = await dial();
  next.socket.write("new");
  await eventually(() => other.heard === "new", "a new connection passes");
  near.socket.destroy();
  await eventually(() => near.socket.closed, "the near end is gone");
  next.socket.write("er");
  await eventually(() => other.heard === "newer", "later");
  assert.deepEqual([far.heard, far.socket.closed], ["", false]);
});

test("cuts after so many bytes of one direction: exactly those arrive", async (t) => {
  const { link, dial } = await bench(t);
  const [near, far] = await dial();
  link.cutAfter("down", 5, "close");
  near.socket.write("not this direction");
  far.socket.write("abc");
  await eventually(() => near.heard === "abc", "the first part");
  far.socket.write("defgh");
  await eventually(() => near.socket.closed && far.socket.closed, "cut");
  assert.equal(near.heard, "abcde");
  assert.equal(far.heard, "not this direction");
});

test("what is held back arrives later, and whole", async (t) => {
  const { link, dial } = await bench(t);
  const [near, far] = await dial();
  link.hold(true);
  near.socket.write("late");
  const [, second] = await dial();
  assert.deepEqual([far.heard, second.heard], ["", ""]);
  link.hold(false);
  await eventually(() => far.heard === "late", "it goes on");
});
