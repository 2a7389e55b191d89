import assert from "node:assert/strict";
import { test } from "node:test";
import { confOfPort, readCommand, readConf } from "../../conformance/mosquitto-conf.js";
import { configureWeir } from "../../conformance/weir-config.js";

test("a configuration of the suite's gives ports and options, and lets nobody in unless it says so", () => {
  const { ports, options } = readConf(
    "# one\nlistener 1888\r\nport 1889\n\nmax_keepalive 60\nlog_type all\nlog_type none\n",
  );
  assert.deepEqual(ports, [1888, 1889]);
  assert.deepEqual(
    [...options],
    [
      ["allow_anonymous", "false"],
      ["max_keepalive", "60"],
      ["log_type", "none"],
    ],
  );
  assert.equal(readConf("listener 1\nallow_anonymous true\n").options.get("allow_anonymous"), "true");
});

test("the two ways in which the suite starts a broker", () => {
  const read = (file: string): string => `listener 7\n# ${file}`;
  assert.deepEqual(readCommand(["-v", "-p", "1888"], read), confOfPort(1888));
  assert.deepEqual(readCommand(["-v", "-c", "x.conf"], read).ports, [7]);
  assert.throws(() => readCommand(["-v"], read), /neither -p nor -c/);
});

test("Weir is configured with what has an equivalent, and the rest is refused by name", () => {
  const plain = configureWeir("mosquitto", "/state", confOfPort(1888));
  assert.deepEqual(plain.refused, []);
  const config = JSON.parse(plain.text) as { gateway: { state: string }; broker: { listeners: string[] } };
  assert.equal(config.gateway.state, "/state");
  assert.deepEqual(config.broker.listeners, ["tcp://127.0.0.1:1888"]);

  const two = readConf("listener 1\nlistener 2\nallow_anonymous true\nlog_type all\n");
  assert.deepEqual(configureWeir("mosquitto", "/state", two).refused, []);
  assert.match(configureWeir("mosquitto", "/state", two).text, /"tcp:\/\/127.0.0.1:1","tcp:\/\/127.0.0.1:2"/);

  const strange = readConf("listener 1\nallow_anonymous true\nplugin x.so\nconstructor 1\n");
  assert.deepEqual(configureWeir("mosquitto", "/state", strange).refused, ["plugin x.so", "constructor 1"]);
});
