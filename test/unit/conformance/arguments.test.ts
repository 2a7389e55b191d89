import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "../../conformance/arguments.js";

test("one suite is enough, and Weir is what is measured", () => {
  assert.deepEqual(readArguments(["--eclipse", "a"]), {
    eclipse: "a",
    mosquitto: undefined,
    broker: { kind: "weir" },
    only: undefined,
    json: false,
    markdown: false,
  });
});

test("a broker that runs is named by its URL", () => {
  const broker = (name: string): unknown => readArguments(["--mosquitto", "m", "--broker", name]).broker;
  assert.deepEqual(broker("mosquitto"), { kind: "mosquitto" });
  assert.deepEqual(broker("mqtt://127.0.0.1:1884"), { kind: "url", host: "127.0.0.1", port: 1884 });
  assert.deepEqual(broker("mqtt://localhost"), { kind: "url", host: "localhost", port: 1883 });
});

test("what is wrong is said", () => {
  assert.throws(() => readArguments([]), /--eclipse or --mosquitto is needed/);
  assert.throws(() => readArguments(["--eclipse", "a", "--broker", "emqx"]), /--broker is weir, mosquitto or a URL/);
  assert.throws(
    () => readArguments(["--eclipse", "a", "--broker", "http://x"]),
    /--broker is weir, mosquitto or a URL/,
  );
});
