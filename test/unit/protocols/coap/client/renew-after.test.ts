import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CoapEndpoint,
  encodeMessage,
  type Message,
  OPTION,
  parseMessage,
  uint,
} from "../../../../../src/protocols/coap/index.js";
import type { Effect } from "../../../../../src/protocols/coap/outcome.js";

const PEER = { id: "192.0.2.1:5683", address: "192.0.2.1", port: 5683 };

function sent(effects: readonly Effect[]): Message[] {
  return effects.flatMap((effect) => {
    const parsed = effect.kind === "send" ? parseMessage(effect.bytes) : undefined;
    return parsed?.ok ? [parsed.message] : [];
  });
}

/** When a registration is renewed whose state was good for `maxAge` s, in ms. */
function renewal(maxAge: number, renewAfter: number | undefined): number | undefined {
  const endpoint = new CoapEndpoint({});
  const request = { method: "0.01", path: ["x"] } as const;
  const [asked] = sent(endpoint.client.observe(PEER, request, 0, renewAfter).effects);
  assert.ok(asked !== undefined);
  const { messageId, token } = asked;
  const options = [uint(OPTION.observe, 1), uint(OPTION.maxAge, maxAge)];
  const answer = encodeMessage({ type: "ACK", code: "2.05", messageId, token, options, payload: Buffer.from("1") });
  endpoint.receive(answer, PEER, false, 100);
  for (let now = 200; now < 200_000; now += 100) {
    const [again] = sent(endpoint.tick(now));
    if (again === undefined) continue;
    assert.deepEqual(Buffer.from(again.token), Buffer.from(token));
    assert.ok(again.options.some(({ number, value }) => number === OPTION.observe && value.length === 0));
    return now;
  }
  return undefined;
}

test("a registration is renewed after the time that is asked for, if Max-Age is longer", () => {
  assert.equal(renewal(3600, 4000), 4100);
  assert.equal(renewal(3600, undefined), undefined);
});

test("and after Max-Age and the patience of RFC 7641 3.3.1, if that is sooner", () => {
  const at = renewal(10, 100_000) ?? assert.fail();
  assert.ok(at >= 15_100 && at <= 25_200, `${at}`);
});
