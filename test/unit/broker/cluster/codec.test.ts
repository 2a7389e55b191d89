import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encodePublication,
  encodeSending,
  encodeTerms,
  entryFrom,
  publicationFrom,
  subscriptionFrom,
  subscriptionTo,
  termsFrom,
} from "../../../../src/broker/cluster/codec.js";
import type { Publication } from "../../../../src/broker/publication.js";

const FULL: Publication = {
  topic: "t/ü",
  payload: new Uint8Array([0, 1, 255]),
  qos: 2,
  retain: true,
  clientId: "c",
  properties: { contentType: "x", correlationData: new Uint8Array([9, 0]), userProperties: [["a", "b"]] },
  messageExpiry: 1_800_000_000_123.5,
};
const BARE: Publication = {
  topic: "t",
  payload: new Uint8Array(0),
  qos: 1,
  retain: false,
  clientId: undefined,
  properties: undefined,
  messageExpiry: undefined,
};

const entry = (id: string, message: Uint8Array, sending: string) =>
  entryFrom([Buffer.from(id), [Buffer.from("m"), Buffer.from(message), Buffer.from("s"), Buffer.from(sending)]]);

describe("what is kept in Redis", () => {
  it("is an entry of a queue as it was", () => {
    for (const publication of [FULL, BARE, { ...BARE, payload: Buffer.from("a buffer") }]) {
      for (const sending of [
        { qos: 1, retain: false, identifiers: undefined },
        { qos: 2, retain: true, identifiers: [7, 268_435_455] },
      ] as const) {
        const found = entry("0-4711", encodePublication(publication), encodeSending(sending));
        assert(found !== undefined);
        const { payload, ...rest } = publication;
        const { payload: carried, ...others } = found.publication;
        assert.deepEqual(others, rest);
        assert.deepEqual([...carried], [...payload]);
        assert.deepEqual(
          { sequence: found.sequence, qos: found.qos, retain: found.retain, identifiers: found.identifiers },
          { sequence: 4711, ...sending },
        );
      }
    }
  });

  it("is no entry where another wrote it", () => {
    const good = encodePublication(BARE);
    const sending = encodeSending({ qos: 1, retain: false, identifiers: undefined });
    assert(entry("0-1", good, sending) !== undefined);
    for (const [message, how] of [
      [new Uint8Array(0), sending],
      [good.subarray(0, 8), sending],
      [new Uint8Array([0x9f, 0x9f, 0x9f]), sending],
      [good, "{}"],
      [good, "[3,0]"],
      [good, "["],
    ] as const)
      assert.equal(entry("0-1", message, how), undefined);
    assert.equal(entry("0-x", good, sending), undefined);
    assert.equal(entryFrom([Buffer.from("0-1"), []]), undefined);
  });

  it("is no message where a part is not what it must be", () => {
    const message = { topic: "t", payload: Buffer.from("x"), qos: 1, retain: false };
    assert(publicationFrom(message) !== undefined);
    for (const wrong of [
      undefined,
      null,
      "text",
      { ...message, topic: 1 },
      { ...message, topic: "" },
      { ...message, payload: "text" },
      { ...message, qos: 3 },
    ])
      assert.equal(publicationFrom(wrong), undefined);
    // As the emitter's format says undefined.
    assert.deepEqual(publicationFrom({ ...message, clientId: null, properties: null, messageExpiry: null }), {
      ...message,
      clientId: undefined,
      properties: undefined,
      messageExpiry: undefined,
    });
  });

  it("has the terms of a session with its will", () => {
    const terms = { user: "u", listener: "tcp://x", expiry: 4_294_967_295, disconnected: 12.5, sent: 17 };
    const will = { publication: FULL, delay: 3 };
    const found = termsFrom(encodeTerms({ ...terms, will }));
    assert.equal(found?.will?.publication.topic, FULL.topic);
    assert.deepEqual({ ...found, will: undefined }, { ...terms, will: undefined });
    assert.deepEqual(termsFrom(encodeTerms({ listener: "l", expiry: 0 })), {
      user: undefined,
      listener: "l",
      expiry: 0,
      will: undefined,
      disconnected: undefined,
      sent: undefined,
    });
    for (const wrong of [
      "",
      "null",
      "[]",
      '{"listener":1,"expiry":1}',
      '{"listener":"l","expiry":1,"will":{"publication":"!","delay":1}}',
    ])
      assert.equal(termsFrom(wrong)?.will, undefined, wrong);
  });

  it("has subscriptions under aedes' names", () => {
    const subscription = { filter: "a/#", qos: 2, noLocal: true, retainAsPublished: false, identifier: 5 } as const;
    assert.deepEqual(subscriptionTo(subscription), { topic: "a/#", qos: 2, nl: true, rap: false, identifier: 5 });
    assert.deepEqual(subscriptionFrom(subscriptionTo(subscription)), subscription);
    assert.equal(subscriptionFrom({ topic: "a", qos: 3 }), undefined);
    assert.equal(subscriptionFrom(null), undefined);
  });
});
