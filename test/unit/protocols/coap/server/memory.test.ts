import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { OPTION, uint } from "../../../../../src/protocols/coap/index.js";
import { known, message, path, peerAt, stage } from "./stage.js";

const OBSERVERS = 10_000;
/** Bytes, with the peer and what the test itself keeps. Measured: 1080; 730 in an endpoint over UDP alone. */
const LIMIT = 1500;

test(`an observation of a peer of its own takes less than ${LIMIT} bytes`, () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const to = stage({ maxRemembered: 1 }, () => ({ code: "2.05", observe: () => () => {} }));
  const options = [uint(OPTION.observe, 0), ...path("sensors", "temperature")];
  const before = used();
  for (let port = 1; port <= OBSERVERS; port++) {
    to.receive(message({ options, token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }), { peer: known(peerAt(port)) });
    to.datagrams();
    to.requests.length = 0;
  }
  const each = (used() - before) / OBSERVERS;
  assert.equal(to.endpoint.state.observers, OBSERVERS);
  assert.ok(each < LIMIT, `${each} bytes`);
});
