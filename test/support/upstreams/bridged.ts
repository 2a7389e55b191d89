import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Gateway } from "../../../src/gateway.js";
import { eventually } from "../eventually.js";
import { count, startGatewayWith } from "../gateway.js";
import { collect, connectClient } from "../mqtt.js";
import type { UpstreamCluster, UpstreamNode } from "./cluster.js";

const MESSAGES = 2_000;
/** Arrived when the trouble begins: the rest is in the outbox or on its way. */
const BEFORE = 300;
/** For all of them, with an upstream that is busy electing leaders. In ms. */
const PATIENCE = 60_000;

/** What happens to the node that the bridge is connected to. Done when the bridge has an upstream again. */
export type Trouble = (node: UpstreamNode, gateway: Gateway) => Promise<void>;

export const nothing: Trouble = async () => {};

/** For longer than the keep-alive: the bridge takes the connection for lost, with messages on their way in it. */
export const freezeAndThaw: Trouble = async (node, gateway) => {
  node.freeze();
  await eventually(() => count(gateway, "bridge_down") > 0, "the bridge gives the frozen node up");
  node.thaw();
};

export const killAndRestart: Trouble = async (node, gateway) => {
  await node.kill();
  await eventually(() => count(gateway, "bridge_down") > 0, "the bridge has lost the node");
  await node.restart();
};

/** The servers of a bridge as the configuration has them. */
function servers(cluster: UpstreamCluster): string {
  const { href, username, password } = bare(cluster.nodes[0]);
  const account = username === "" ? "" : `, username: "${username}", password: "${password}"`;
  return `url: "${href}"${account}`;
}

/**
 * A gateway between a client that publishes at QoS 1 and a subscriber at another node than the bridge's: each message
 * that the gateway acknowledged arrives there at least once, whatever happens to the bridge's node in the middle of it.
 */
export async function carriesAll(t: TestContext, cluster: UpstreamCluster, trouble: Trouble): Promise<void> {
  const [first, second] = cluster.nodes;
  assert.ok(first && second);
  const topic = `weir/${t.name.replace(/\W+/g, "-")}`;
  const subscriber = await connectClient(t, second.url, { connectTimeout: 20_000 });
  await subscriber.subscribeAsync(topic, { qos: 1 });
  const { heard, until } = collect(subscriber);
  const gateway = await startGatewayWith(t, `[{ id: up, ${servers(cluster)}, keepAlive: 2s }]`);
  const client = await connectClient(t, gateway.listeners[0]);
  const sent = Promise.all(Array.from({ length: MESSAGES }, (_, n) => client.publishAsync(topic, `${n}`, { qos: 1 })));
  await until((all) => all.length >= BEFORE, PATIENCE);
  if (trouble !== nothing) assert.ok(heard.length < MESSAGES, "the trouble begins before all have arrived");
  await Promise.all([sent, trouble(first, gateway)]);
  const missing = (): number[] => {
    const arrived = new Set(heard.map(({ payload }) => payload));
    return Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => !arrived.has(`${n}`));
  };
  await eventually(() => missing().length === 0, "all have arrived", PATIENCE).catch(() => {});
  assert.deepEqual(missing(), []);
  t.diagnostic(`${heard.length - MESSAGES} of ${MESSAGES} arrived more than once`);
}

/** The configuration has name and password beside the URL. */
function bare(node: UpstreamNode | undefined): { href: string; username: string; password: string } {
  const { protocol, host, username, password } = new URL(node?.url ?? "");
  return { href: `${protocol}//${host}`, username: decodeURIComponent(username), password };
}
