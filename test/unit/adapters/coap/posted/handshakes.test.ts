import assert from "node:assert/strict";
import { test } from "node:test";
import { failedHandshake } from "../../../../../adapters/coap/posted/handshakes.js";
import type { HandshakeFailure } from "../../../../../src/protocols/dtls/index.js";

const URL = "dtls://0.0.0.0:5684";
const from = { address: "10.0.0.7", port: 4242 };

function told(failure: Partial<HandshakeFailure>) {
  const whole = { from, reason: "refused", detail: undefined, claimed: undefined, ...failure } as const;
  return failedHandshake(whole, URL, (identity) => identity === "air");
}

for (const [failure, reason, text] of [
  [{ reason: "undecryptable", claimed: "air" }, "undecryptable", /another key than that of the identity "air"$/],
  [{ reason: "undecryptable", claimed: "aire" }, "unknown_identity", /no key of the identity "aire" in adapters/],
  [{ reason: "undecryptable" }, "undecryptable", /other keys than it should$/],
  [{ detail: "no authority of ours signed it" }, "refused", /refused: no authority of ours signed it$/],
  [{ reason: "alert", detail: "alert 48 (unknown_ca)" }, "alert", /ended the handshake with alert 48 \(unknown_ca\)$/],
  [{ reason: "timeout" }, "timeout", /it fell silent$/],
  [{ reason: "evicted" }, "evicted", /: evicted$/],
] as const) {
  test(`${JSON.stringify(failure)} is told as ${reason}, with where it came from`, () => {
    const { message, reason: counted } = told(failure);
    assert.equal(counted, reason);
    assert.match(message, text);
    assert.ok(message.startsWith(`no session with 10.0.0.7 port 4242 on ${URL}: `), message);
  });
}

test("of a long identity the beginning is shown", () => {
  const { message } = told({ reason: "undecryptable", claimed: "x".repeat(128) });
  assert.ok(message.includes(`"${"x".repeat(64)}..."`) && message.length < 250);
});
