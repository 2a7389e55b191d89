/** Devices that are CoAP servers: libcoap's, and the simulated ones, which are npm's coap. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeAuthority } from "../support/certificates.js";
import { type CoapLink, linkDevices } from "../support/coap-link.js";
import { eventually } from "../support/eventually.js";
import { temporaryFolder } from "../support/folder.js";
import { lossyProxy } from "../support/lossy-proxy.js";
import { locate, needs, type Peer } from "../support/peers.js";
import { freePortPair, freeUdpPort } from "../support/ports.js";
import { type Program, startProgram } from "../support/program.js";

/** What of libcoap's example server is of use: a clock that can be observed, and a text that can be changed. */
const LIBCOAP = `
vendor: libcoap
model: coap-server
resources:
  time: { type: string }
  ticks: {}
  data: { type: string, access: RW }
  gone: { type: string, access: W }
coap:
  reads:
    - { path: /time, how: observe, every: 2s, resource: time }
    - { path: "/time?ticks", how: poll, every: 1s, contentFormat: text, resource: ticks }
    - { path: /example_data, how: get, resource: data }
  commands:
    data: { path: /example_data }
    gone: { path: /nowhere/at/all, method: post }
`;
/** The same without polls. */
const OBSERVED = LIBCOAP.replace(/ +- \{ path: "\/time\?ticks.*\n/, "");
const KEY = "a key of twenty four bytes";

async function startServer(t: TestContext, program: Peer, port: number, ...args: string[]): Promise<Program> {
  const folder = temporaryFolder("weir-coap-server-");
  const server = await startProgram({
    command: locate(program) ?? program,
    args: ["-A", "127.0.0.1", "-p", `${port}`, "-v", "7", ...args],
    ready: /created UDP +endpoint|created DTLS endpoint/,
    log: join(folder, "log"),
  });
  t.after(async () => void (await server.signal("SIGKILL")));
  return server;
}

function values({ readings }: CoapLink, resource: string): unknown[] {
  return readings.filter((reading) => reading.resource === resource).map(({ value }) => value);
}

test("libcoap's server is observed, polled and told", needs("coap-server-notls"), async (t) => {
  const port = await freeUdpPort();
  await startServer(t, "coap-server-notls", port);
  const link = linkDevices(t, {}, [{ id: "sun", address: `coap://127.0.0.1:${port}`, profile: LIBCOAP }]);
  await eventually(() => new Set(values(link, "time")).size >= 3, "the clock told three seconds");
  await eventually(() => values(link, "ticks").length >= 2, "the ticks were polled twice");
  assert.ok(values(link, "ticks").every((ticks) => typeof ticks === "number"));

  await link.execute("sun", "data", "write", "set by a command");
  assert.equal(await link.execute("sun", "data", "read"), "set by a command");
  assert.deepEqual(values(link, "data"), ["set by a command"]);
  await assert.rejects(link.execute("sun", "gone", "write", "x"), {
    code: "COMMAND_FAILED",
    message: /answered 4\.0[45]/,
  });
  await assert.rejects(link.execute("sun", "gone", "read"), { code: "ACTION_UNSUPPORTED" });
  await assert.rejects(link.execute("sun", "data", "write", "x", -1), { code: "COMMAND_EXPIRED" });
  assert.deepEqual(
    link.states.filter((state) => state === "waiting"),
    [],
  );
});

test("a server that began anew is observed again, and nobody had to tell", needs("coap-server-notls"), async (t) => {
  const port = await freeUdpPort();
  const first = await startServer(t, "coap-server-notls", port);
  const link = linkDevices(t, {}, [{ id: "sun", address: `coap://127.0.0.1:${port}`, profile: OBSERVED }]);
  await eventually(() => values(link, "time").length >= 2, "the clock is observed");
  await first.signal("SIGKILL");
  const before = values(link, "time").length;
  await startServer(t, "coap-server-notls", port);
  // Two of them: one comes with the registration, the next is a notification.
  await eventually(() => new Set(values(link, "time").slice(before)).size >= 3, "the clock is observed again");
});

test("of a device that answers in its own way it is told why it does not answer", async (t) => {
  const server = createSocket("udp4").bind(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const said = ["garbage", Buffer.of(0x80, 0, 0, 0), Buffer.of(0x60, 0x45, 0xff, 0xfe)];
  server.on("message", (_bytes, { port }) => {
    for (const bytes of said) server.send(bytes, port);
  });
  const { port } = server.address();
  const { entries } = linkDevices(t, {}, [{ id: "odd", address: `coap://127.0.0.1:${port}`, profile: OBSERVED }]);
  const reasons = (): unknown => [...new Set(entries.map(({ event, at, reason }) => `${event} ${at} ${reason}`))];
  await eventually(() => entries.length >= 3, "it was told");
  assert.deepEqual(
    reasons(),
    ["malformed", "version", "stray"].map((reason) => `coap_discarded odd ${reason}`),
  );
});

test("over DTLS with a shared key", needs("coap-server-openssl"), async (t) => {
  const plain = await freePortPair();
  await startServer(t, "coap-server-openssl", plain, "-k", KEY, "-h", "hint");
  const psk = join(temporaryFolder("weir-psk-"), "psk");
  writeFileSync(psk, `sun:${Buffer.from(KEY).toString("hex")}\n`);
  const link = linkDevices(t, { dtls: { psk } }, [
    { id: "sun", address: `coaps://127.0.0.1:${plain + 1}`, profile: LIBCOAP },
  ]);
  await eventually(() => new Set(values(link, "time")).size >= 3, "the clock told three seconds");
  await link.execute("sun", "data", "write", "secret");
  assert.equal(await link.execute("sun", "data", "read"), "secret");
});

for (const scheme of ["coap", "coaps"] as const) {
  const program = scheme === "coap" ? "coap-server-notls" : "coap-server-openssl";
  test(
    `${scheme}: a fifth is lost each way: it is observed, and commands are carried out`,
    needs(program),
    async (t) => {
      const plain = await freePortPair();
      await startServer(t, program, plain, ...(scheme === "coap" ? [] : ["-k", KEY, "-h", "hint"]));
      const proxy = await lossyProxy(t, scheme === "coap" ? plain : plain + 1, { seed: 5, loss: 0.2 });
      const psk = join(temporaryFolder("weir-psk-"), "psk");
      writeFileSync(psk, `sun:${Buffer.from(KEY).toString("hex")}\n`);
      const address = `${scheme}://127.0.0.1:${proxy.port}`;
      const link = linkDevices(t, { dtls: { psk } }, [{ id: "sun", address, profile: OBSERVED }]);
      await eventually(() => new Set(values(link, "time")).size >= 5, "the clock told five seconds", 60_000);
      for (let turn = 0; turn < 3 || proxy.counters.lost < 5; turn++) {
        await link.execute("sun", "data", "write", `turn ${turn}`, 60_000);
        assert.equal(await link.execute("sun", "data", "read", undefined, 60_000), `turn ${turn}`);
      }
      // It may take two attempts to open; once it was open it is not lost.
      assert.ok(!link.states.slice(link.states.indexOf("up")).includes("waiting"));
    },
  );
}

test("a gateway that began anew observes again", needs("coap-server-notls"), async (t) => {
  const port = await freeUdpPort();
  await startServer(t, "coap-server-notls", port);
  const device = { id: "sun", address: `coap://127.0.0.1:${port}`, profile: LIBCOAP };
  const before = linkDevices(t, {}, [device]);
  await eventually(() => values(before, "time").length >= 2, "the clock is observed");
  await before.close();
  const after = linkDevices(t, {}, [device]);
  await eventually(() => new Set(values(after, "time")).size >= 3, "the clock is observed again");
});

test("a device whose certificate is not believed is told as such, at once", needs("coap-server-openssl"), async (t) => {
  const [ours, theirs] = [makeAuthority(t), makeAuthority(t)];
  const { cert, key } = theirs.issue("sun", 1, "IP:127.0.0.1");
  const plain = await freePortPair();
  await startServer(t, "coap-server-openssl", plain, "-c", cert, "-j", key, "-n");
  const gateway = ours.issue("gateway", 2);
  const dtls = { cert: gateway.cert, key: gateway.key, ca: ours.ca };
  const messages: string[] = [];
  const link = linkDevices(t, { dtls }, [{ id: "sun", address: `coaps://127.0.0.1:${plain + 1}`, profile: LIBCOAP }]);
  await eventually(() => {
    messages.push(...link.entries.splice(0).map(({ event, message }) => `${event} ${message}`));
    return messages.some((message) => message.startsWith("link_failed"));
  }, "it is told");
  assert.match(messages.join("\n"), /link_failed .* no authority of ours signed it .* Compare their keys/);
});
