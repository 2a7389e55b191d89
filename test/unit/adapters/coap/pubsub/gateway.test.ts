import assert from "node:assert/strict";
import { test } from "node:test";
import { pubsubSettings } from "../../../../../adapters/coap/pubsub/config.js";
import { PubSubGateway } from "../../../../../adapters/coap/pubsub/gateway.js";
import type { PubSub, PubSubClient } from "../../../../../src/core/pubsub.js";
import type { CoapRequest } from "../../../../../src/protocols/coap/index.js";
import { type FakeSession, fakeClient, fakeObserver, turn } from "./fakes.js";

const BLOCK_2 = 23;
const LARGE = Buffer.alloc(3_000, "secret ");

/** All who say user names; everyone is who he says. */
function setup(clientOf: (clientId: string, sessions: FakeSession[]) => PubSubClient = fakeClient) {
  const settings = pubsubSettings.parse(true);
  assert.ok(settings !== undefined);
  const sessions: FakeSession[] = [];
  const pubsub: PubSub = {
    admit: async ({ clientId, username }) => (username === undefined ? "not_authorized" : clientOf(clientId, sessions)),
  };
  const gateway = new PubSubGateway({
    ...{ settings, pubsub, at: "coap:test", journal: () => {}, ticks: () => 0 },
    ...{ maxPayload: 65_536, channel: { secure: false, required: false } },
  });
  return { gateway, sessions };
}

function request(more: Partial<CoapRequest>): CoapRequest {
  return {
    ...{ peer: { id: "proxy", address: "192.0.2.1", port: 5683 }, method: "0.01", confirmable: true },
    ...{ path: ["ps", "a"], query: [], contentFormat: undefined, accept: undefined, payload: new Uint8Array(0) },
    ...{ options: [], observe: undefined, token: Uint8Array.of(1), ...more },
  };
}

/** Observes, and gets a message of which the first block was acknowledged. */
async function observing(gateway: PubSubGateway, sessions: FakeSession[], query: readonly string[]) {
  const { observe } = await gateway.answer(request({ query, observe: "register" }));
  const observer = fakeObserver("proxy", () => end?.());
  observer.partial = true;
  const end = observe?.(observer);
  const receiver = sessions.at(-1)?.subscriptions.get("a")?.receiver;
  void receiver?.deliver({ topic: "a", payload: LARGE, qos: 1, retain: false });
  await turn();
  observer.settle("acknowledged");
  await turn();
  return observer;
}

/** Asks for the second block. */
async function fetchBlock(gateway: PubSubGateway, query: readonly string[]): Promise<string> {
  const options = [{ number: BLOCK_2, value: Uint8Array.of(0x16) }];
  return (await gateway.answer(request({ query, options }))).code;
}

test("behind a proxy, where all have one address, blocks of a message are for its observer alone", async () => {
  const { gateway, sessions } = setup();
  await observing(gateway, sessions, ["username=ann", "password=x"]);
  assert.equal(await fetchBlock(gateway, ["username=ann", "password=x"]), "2.05");
  assert.equal(await fetchBlock(gateway, []), "4.01");
  assert.equal(await fetchBlock(gateway, ["username=bob", "password=y"]), "4.04");
});

test("who observes again with another query fetches with that one; of the old one nothing is kept", async () => {
  const { gateway, sessions } = setup();
  const ann = ["username=ann", "clientid=c"];
  const before = await observing(gateway, sessions, ann);
  await observing(gateway, sessions, [...ann, "qos=2"]);
  assert.ok(before.ended);
  assert.equal(await fetchBlock(gateway, [...ann, "qos=2"]), "2.05");
  assert.equal(await fetchBlock(gateway, ann), "4.04");
});

test("a connection that was taken over while it was made is none", async () => {
  const { gateway } = setup((clientId, sessions) => ({
    ...fakeClient(clientId, sessions),
    connect: async (ended) => {
      const session = await fakeClient(clientId).connect(() => {});
      ended("taken_over");
      return session;
    },
  }));
  const connect = { method: "0.02", path: ["mqtt", "connection"], query: ["clientid=c", "username=ann"] } as const;
  assert.equal((await gateway.answer(request(connect))).code, "4.01");
  const gone = { ...connect, method: "0.04", query: ["clientid=c"] } as const;
  assert.equal((await gateway.answer(request(gone))).code, "2.02");
});
