import assert from "node:assert/strict";
import { test } from "node:test";
import { CoapEndpoint, type Effect, OPTION } from "../../../../../src/protocols/coap/index.js";
import { PEER, peerAt, read } from "../server/stage.js";
import { said } from "./stage.js";

/** A question to a group, and what answers to it bring about. */
function gathering(most: number) {
  let tokens = 0;
  const endpoint = new CoapEndpoint({ random: () => 0, randomBytes: () => Uint8Array.of(++tokens) });
  endpoint.client.gather(PEER, { path: ["t"] }, { most }, 0);
  const receive = (text: string, port: number): readonly Effect[] =>
    endpoint.receive(said(text), peerAt(port), false, 0).effects;
  return { endpoint, receive };
}

for (const most of [-1, 0, 0.5, 1]) {
  test(`a question to a group that wants ${most} answers is over with the first one`, () => {
    const { endpoint, receive } = gathering(most);
    const kinds = receive("NON 2.05 1 01 a", 6001).map(({ kind }) => kind);
    assert.deepEqual([kinds, endpoint.state.gatherings], [["gathered", "settled"], 0]);
  });
}

test("who is asked for the rest of its answer to a group gets the Echo of that answer", () => {
  const { endpoint, receive } = gathering(10);
  const [gathered] = receive("NON 2.05 1 01 echo=aabb block2=0/1/64 *64", 6001);
  assert.equal(gathered?.kind === "gathered" && gathered.partial, true);
  const [rest] = endpoint.client.request(peerAt(6001), { method: "0.01", path: ["t"] }, {}, 0).effects;
  const echo =
    rest?.kind === "send" ? read(rest.bytes).options.find(({ number }) => number === OPTION.echo) : undefined;
  assert.equal(Buffer.from(echo?.value ?? []).toString("hex"), "aabb");
});
