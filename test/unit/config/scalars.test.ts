import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseListener } from "../../../src/config/listener-url.js";
import { formatSize, parseSize } from "../../../src/config/scalars.js";

test("sizes are bytes, decimal and binary", () => {
  const table: [string, number | undefined][] = [
    ["512B", 512],
    ["10kB", 10_000],
    ["64MiB", 67_108_864],
    ["1.5KiB", 1536],
    ["1GB", 1e9],
    ["64", undefined],
    ["64mb", undefined],
  ];
  for (const [text, bytes] of table) assert.equal(parseSize(text), bytes, text);
});

test("sizes are written as they are read", () => {
  fc.assert(fc.property(fc.nat(1e11), (bytes) => parseSize(formatSize(bytes)) === bytes));
});

test("listeners have the customary ports and IPv6 hosts without brackets", () => {
  const url = "tcp://[::1]";
  assert.deepEqual(parseListener(url), { scheme: "tcp", host: "::1", port: 1883, url });
  assert.deepEqual(parseListener("ws://0.0.0.0"), { scheme: "ws", host: "0.0.0.0", port: 8083, url: "ws://0.0.0.0" });
  // The URL parser drops the port that is usual for ws.
  assert.deepEqual(parseListener("ws://a:80/"), { scheme: "ws", host: "a", port: 80, url: "ws://a:80/" });
  assert.deepEqual(parseListener("tcp://a:0"), { scheme: "tcp", host: "a", port: 0, url: "tcp://a:0" });
});

test("each scheme has its port, mqtts is tls, and a Unix socket has a path", () => {
  const port = (text: string) => {
    const parsed = parseListener(text);
    return typeof parsed === "string" || parsed.scheme === "unix" ? undefined : [parsed.scheme, parsed.port];
  };
  assert.deepEqual(port("tls://a"), ["tls", 8883]);
  assert.deepEqual(port("mqtts://a"), ["tls", 8883]);
  assert.deepEqual(port("wss://a"), ["wss", 8084]);
  for (const url of ["unix:/run/a.sock", "unix:///run/a.sock"])
    assert.deepEqual(parseListener(url), { scheme: "unix", path: "/run/a.sock", url });
  assert.match(String(parseListener("unix:a.sock")), /absolute path/);
  assert.match(String(parseListener("unix://host/a.sock")), /absolute path/);
  assert.match(String(parseListener(`unix:/${"a".repeat(107)}`)), /at most 107 bytes/);
});

test("a listener without a host is none", () => {
  assert.match(String(parseListener("tcp://#")), /^must be a URL with a host/);
});

test("no text makes the listener's parser throw or give a port out of range", () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.string().map((tail) => `tcp://${tail}`),
  );
  fc.assert(
    fc.property(text, (url) => {
      const listener = parseListener(url);
      if (typeof listener === "string") return;
      if (listener.scheme === "unix") return void assert.match(listener.path, /^\//);
      assert.ok(Number.isInteger(listener.port) && listener.port >= 0 && listener.port <= 65_535, url);
      assert.notEqual(listener.host, "");
    }),
  );
});
