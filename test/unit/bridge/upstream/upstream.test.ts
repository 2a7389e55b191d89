import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkChange } from "../../../../src/bridge/session/change.js";
import { sessionName } from "../../../../src/bridge/session/continuity.js";
import { memorySessionStore } from "../../../../src/bridge/session/memory.js";
import type { Change, Servers, SessionStore } from "../../../../src/bridge/session/session.js";
import { eventually } from "../../../support/eventually.js";
import { memoryOutbox, message, OUT_ONLY, rig } from "../rig.js";
import { answer, connack, type Peer, playUpstream, type Script } from "../scripted.js";

/** A store that remembers nothing and notes what it is told. */
function recorder(recovered: Partial<SessionStore["recovered"]> = {}): SessionStore & { recorded: Change[] } {
  const recorded: Change[] = [];
  return {
    ...memorySessionStore(),
    recovered: { ...memorySessionStore().recovered, fresh: false, ...recovered },
    recorded,
    record: async (changes) => {
      for (const change of changes) checkChange(change);
      recorded.push(...changes);
    },
  };
}

const mqtt = ({ urls }: { readonly urls: readonly string[] }): string => (urls[0] ?? "").replace("tcp:", "mqtt:");
const nameOf = (url: string, clientId = "gateway"): string => sessionName({ url, clientId, batched: false });
const QUIET = { rules: OUT_ONLY, statusTopic: "elsewhere" } as const;

const payloads = (peers: readonly Peer[]): string[] =>
  peers.flatMap(({ heard }) => heard.flatMap((p) => (p.cmd === "publish" ? String(p.payload) : [])));

/** Keeps a session for ever: each client that comes again finds it. */
const keeping: Script = (packet, peer) => {
  if (packet.cmd !== "connect") return false;
  peer.send(connack(packet, packet.clean !== true));
  return true;
};

/** Resolves with how long it took, in ms. */
async function timed(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

test("closing does not hang: before, while and after connecting, while it is noted, while a probe waits", async (t) => {
  const silent: Script = () => true;
  const silentProbe: Script = (packet, peer) => peer.connect.clientId.endsWith("-probe") && packet.cmd === "publish";
  for (const script of [silent, silentProbe, keeping])
    for (const wait of [0, 1, 5, 20, 60]) {
      const upstream = await playUpstream(t, script);
      const { bridge } = rig(t, upstream, { timeout: 30_000 });
      await new Promise((resolve) => setTimeout(resolve, wait));
      const took = await timed(bridge.close(0));
      assert.ok(took < 1_500, `${took} ms`);
      await eventually(() => upstream.peers.every(({ open }) => !open), "no connection is left", 3_000);
    }
});

test("closing while the connection is being noted ends it", async (t) => {
  const upstream = await playUpstream(t);
  let go = (): void => {};
  const store = recorder({ servers: { home: undefined, clean: [nameOf(mqtt(upstream))] } });
  const slow: SessionStore = {
    ...store,
    record: () =>
      new Promise((resolve) => {
        go = resolve;
      }),
  };
  const { bridge } = rig(t, upstream, { ...QUIET, protocol: 5, store: slow });
  await eventually(() => upstream.own.length === 1, "connected");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const closed = bridge.close(0);
  go();
  assert.ok((await timed(closed)) < 1_500);
});

test("a link that is cut during the probe does not lower QoS 2; a server that always closes does", async (t) => {
  for (const [cuts, qos] of [
    [1, 2],
    [1_000, 1],
  ] as const) {
    let probes = 0;
    const upstream = await playUpstream(t, (packet, peer) => {
      if (packet.cmd !== "publish" || packet.qos !== 2 || !peer.connect.clientId.endsWith("-probe")) return false;
      probes += 1;
      if (probes > cuts) return false;
      peer.destroy();
      return true;
    });
    const { bridge } = rig(t, upstream, QUIET);
    await bridge.offer(message("weir/a/n", "x", { qos: 2 }));
    await eventually(() => upstream.all("publish").length === 1, "it goes up");
    assert.equal(upstream.all("publish")[0]?.qos, qos);
    assert.equal(bridge.state.shortcomings.length, qos === 1 ? 1 : 0);
    await bridge.close(0);
  }
});

test("a server that was left halfway before a restart gets a clean start before it is used again", async (t) => {
  const b = await playUpstream(t);
  const dead = "mqtt://127.0.0.1:1";
  const servers: Servers = { home: nameOf(dead), clean: [nameOf(dead), nameOf(mqtt(b))] };
  const store = recorder({ servers });
  const outbox = memoryOutbox();
  await outbox.append(message("site/a/n", "was on its way", { qos: 2 }));
  const options = { ...QUIET, protocol: 5, store, outboxes: [outbox], servers: [dead, mqtt(b)] } as const;
  const { bridge } = rig(t, b, options);
  await eventually(() => outbox.depth.messages === 0, "it goes to the other one");
  assert.deepEqual(store.recorded.slice(0, 2), [
    { kind: "servers", home: nameOf(mqtt(b)), clean: [nameOf(mqtt(b))] },
    { kind: "reset" },
  ]);
  await bridge.close(0);
});

test("another client id has another session: what lies under it is not taken for ours", async (t) => {
  const upstream = await playUpstream(t, keeping);
  const url = mqtt(upstream);
  const servers: Servers = { home: nameOf(url, "before"), clean: [nameOf(url, "before")] };
  const { bridge } = rig(t, upstream, { ...QUIET, protocol: 5, store: recorder({ servers }) });
  await eventually(() => bridge.state.server !== undefined, "connected");
  assert.deepEqual(
    upstream.own.map(({ connect }) => [connect.clientId, connect.clean]),
    [
      ["gateway", true],
      ["gateway", false],
    ],
  );
});

test("servers that were once in the configuration are forgotten, and the longest URL has a name", async (t) => {
  const upstream = await playUpstream(t);
  const clean = Array.from({ length: 16 }, (_, n) => `gone${n}`);
  const store = recorder({ servers: { home: "gone", clean } });
  const long = `${mqtt(upstream)}/${"ä".repeat(480)}`;
  const { bridge } = rig(t, upstream, { ...QUIET, store, servers: [long] });
  await eventually(() => bridge.state.server !== undefined, "connected");
});

test("goes to the next server when one fails, and back when it is well, saying so to the one that is left", async (t) => {
  const first = await playUpstream(t);
  const second = await playUpstream(t);
  const { bridge, journal, outbox } = rig(t, second, {
    ...{ protocol: 5, failback: 50, pause: () => 20, servers: [mqtt(first), mqtt(second)] },
  });
  await eventually(() => bridge.state.server === mqtt(first), "at the first");
  await first.close();
  await eventually(() => bridge.state.server === mqtt(second), "at the second");
  await bridge.offer(message("weir/a/n", "at the second"));
  await eventually(() => outbox.depth.messages === 0, "it is carried");
  const again = await playUpstream(t, undefined, first.port);
  await eventually(() => bridge.state.server === mqtt(first), "back at the first");
  await bridge.offer(message("weir/a/n", "at the first"));
  await eventually(() => payloads(again.own).includes("at the first"), "it is carried there");
  assert.equal(journal.filter(({ event }) => event === "bridge_failback").length, 1);
  assert.equal(payloads(second.own).at(-1), "offline");
  // Not looked at any more once it is in use.
  assert.ok(again.peers.length > again.own.length, "it was tried out by another client id");
});

test("failback waits for what is on its way, and sends nothing twice", async (t) => {
  const held: (() => void)[] = [];
  const first = await playUpstream(t);
  const second = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "publish" || packet.qos === 0 || peer.connect.clientId.endsWith("-probe")) return false;
    held.push(() => answer(packet, peer));
    return true;
  });
  await first.close();
  const options = { ...QUIET, protocol: 5, failback: 50, servers: [mqtt(first), mqtt(second)] } as const;
  const { bridge, journal, outbox } = rig(t, second, options);
  await eventually(() => bridge.state.server === mqtt(second), "at the second");
  for (const n of ["1", "2"]) await bridge.offer(message("weir/a/n", n, { qos: 2 }));
  await eventually(() => held.length === 2, "both are on their way");
  const again = await playUpstream(t, undefined, first.port);
  await eventually(() => journal.some(({ event }) => event === "bridge_failback"), "it is about to go");
  await bridge.offer(message("weir/a/n", "3", { qos: 2 }));
  for (const each of held) each();
  await eventually(() => outbox.depth.messages === 0, "all are carried");
  assert.deepEqual([payloads(second.own), payloads(again.own)], [["1", "2"], ["3"]]);
});

test("closing while it goes back to the first server does not wait for what is on its way", async (t) => {
  const first = await playUpstream(t);
  const second = await playUpstream(t, ({ cmd }) => cmd === "publish");
  await first.close();
  const options = { ...QUIET, protocol: 5, failback: 50, servers: [mqtt(first), mqtt(second)] } as const;
  const { bridge, journal } = rig(t, second, options);
  await eventually(() => bridge.state.server === mqtt(second), "at the second");
  await bridge.offer(message("weir/a/n", "1"));
  await playUpstream(t, undefined, first.port);
  await eventually(() => journal.some(({ event }) => event === "bridge_failback"), "it is about to go");
  assert.ok((await timed(bridge.close(0))) < 1_500);
});

test("a token that is renewed is used for a new connection, and nothing on its way is lost", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const folder = mkdtempSync(join(tmpdir(), "weir-token-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const passwordFile = join(folder, "token");
  writeFileSync(passwordFile, "one\n");
  const held: (() => void)[] = [];
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "publish" || peer.number > 2) return keeping(packet, peer);
    held.push(() => answer(packet, peer));
    return true;
  });
  const { bridge, journal, outbox } = rig(t, upstream, { ...QUIET, protocol: 5, username: "u", passwordFile });
  await eventually(() => bridge.state.server !== undefined, "connected");
  await bridge.offer(message("weir/a/n", "1"));
  await eventually(() => held.length === 1, "it is on its way");
  t.mock.timers.tick(10_000);
  rmSync(passwordFile);
  await eventually(() => {
    t.mock.timers.tick(10_000);
    return journal.some(({ event }) => event === "bridge_credentials");
  }, "half a renewal is told, and changes nothing");
  writeFileSync(passwordFile, "two\n");
  await eventually(() => {
    t.mock.timers.tick(10_000);
    return journal.some(({ event }) => event === "bridge_renewed");
  }, "the new one is seen");
  await bridge.offer(message("weir/a/n", "2"));
  held[0]?.();
  await eventually(() => outbox.depth.messages === 0, "both are carried");
  assert.deepEqual(payloads(upstream.own), ["1", "2"]);
  assert.deepEqual(
    upstream.own.slice(1).map(({ connect }) => String(connect.password)),
    ["one", "two"],
  );
});

test("a server that keeps no retained messages gets none, nor a will that is one", async (t) => {
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "connect") return false;
    const refused = packet.will?.retain === true;
    const properties = { retainAvailable: false };
    peer.send(connack(packet, false, refused ? { reasonCode: 0x9a } : { properties }));
    if (refused) peer.end();
    return true;
  });
  const { bridge } = rig(t, upstream, { protocol: 5 });
  await eventually(() => bridge.state.server !== undefined, "connected");
  bridge.announce(message("weir/x/status", "fine", { retain: true }));
  await bridge.offer(message("weir/a/n", "1", { retain: true }));
  await eventually(() => payloads(upstream.own).includes("1"), "it is carried");
  assert.deepEqual(
    upstream.all("publish").map(({ retain }) => retain),
    [false, false, false],
  );
});

/** Acknowledges all but what its payload begins with, for which it closes the connection. */
const allergic =
  (poison: string): Script =>
  (packet, peer) => {
    if (packet.cmd === "publish" && String(packet.payload).includes(poison)) {
      peer.destroy();
      return true;
    }
    return keeping(packet, peer);
  };

async function poisoned(t: TestContext, qos: 1 | 2, priority: "normal" | "high"): Promise<void> {
  const upstream = await playUpstream(t, allergic("poison"));
  const rules = [{ ...(OUT_ONLY[0] ?? assert.fail()), priority }];
  const [normal, high] = [memoryOutbox(), memoryOutbox()];
  const { folder, journal, bridge } = rig(t, upstream, {
    ...{ ...QUIET, rules, outboxes: [normal, high], pause: () => 5 },
  });
  for (const n of ["1", "2", "poison", "3", "4"]) await bridge.offer(message("weir/a/n", n, { qos }));
  await eventually(() => normal.depth.messages + high.depth.messages === 0, "the line is free");
  const firsts = [...new Set(payloads(upstream.own))];
  assert.deepEqual(firsts, ["1", "2", "poison", "3", "4"]);
  assert.equal(journal.filter(({ event }) => event === "bridge_refused").length, 1);
  const kept = JSON.parse(readFileSync(join(folder, "refused.jsonl"), "utf8")) as { payload: string };
  assert.equal(Buffer.from(kept.payload, "base64").toString(), "poison");
  await bridge.close(0);
}

test("a message for which the server closes is set aside, the others arrive in order", async (t) => {
  for (const qos of [1, 2] as const) for (const lane of ["normal", "high"] as const) await poisoned(t, qos, lane);
});

test("a server that closes for everything costs no message", async (t) => {
  const upstream = await playUpstream(t, (packet, peer) => {
    if (packet.cmd !== "connect") return false;
    peer.send(connack(packet));
    setTimeout(() => peer.destroy(), 2);
    return true;
  });
  const outbox = memoryOutbox();
  const { bridge, journal } = rig(t, upstream, { ...QUIET, protocol: 5, outboxes: [outbox], pause: () => 1 });
  for (let n = 0; n < 5; n++) await bridge.offer(message("weir/a/n", `${n}`));
  await eventually(() => outbox.depth.messages === 0, "they are carried between two closings");
  assert.ok(!journal.some(({ event }) => event === "bridge_refused"));
});
