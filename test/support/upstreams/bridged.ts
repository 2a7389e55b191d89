import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import type { Gateway } from "../../../src/gateway.js";
import { eventually } from "../eventually.js";
import { count, startGatewayWith } from "../gateway.js";
import { collect, connectClient } from "../mqtt.js";
import type { UpstreamCluster, UpstreamNode } from "./cluster.js";

const MESSAGES = 2_000;
const AT_A_TIME = 250;
/** Arrived when the trouble begins: the rest is in the outbox or on its way. */
const BEFORE = 300;
/** For all of them, with an upstream that is busy electing leaders. In ms. */
const PATIENCE = 60_000;

/** What happens to the node that the bridge is connected to. Done when the bridge is at another one. */
export type Trouble = (node: UpstreamNode, gateway: Gateway) => Promise<void>;

export const nothing: Trouble = async () => {};

/** In ms. */
const MOVED_WITHIN = 40_000;

/** The node stays away until the bridge is up again: only another node can have taken it. */
export const killed: Trouble = async (node, gateway) => {
  const before = count(gateway, "bridge_up");
  await node.kill();
  await eventually(() => count(gateway, "bridge_up") > before, "the bridge is at another node", MOVED_WITHIN);
};

/**
 * Until the bridge has given it up. Not longer: ejabberd and RabbitMQ nodes ask a frozen one about its clients and answer no CONNECT
 * until they take it for dead, which is a minute (Erlang's net_ticktime).
 */
export const frozen: Trouble = async (node, gateway) => {
  const before = count(gateway, "bridge_up");
  node.freeze();
  await eventually(() => count(gateway, "bridge_down") > 0, "the bridge gives the frozen node up", MOVED_WITHIN);
  node.thaw();
  await eventually(() => count(gateway, "bridge_up") > before, "the bridge has a node again", MOVED_WITHIN);
};

/** The servers of a bridge as the configuration has them. */
function servers(cluster: UpstreamCluster): string {
  const { username, password } = bare(cluster.nodes[0]);
  const account = username === "" ? "" : `, username: "${username}", password: "${password}"`;
  const urls = cluster.nodes.map((node) => bare(node).href);
  return `url: ${JSON.stringify(urls)}${account}`;
}

export interface Carried {
  readonly qos: 1 | 2;
  readonly protocol: 4 | 5;
}

/**
 * A gateway whose bridge has all nodes of a cluster, between a client that publishes and a subscriber at the second node: each
 * message that the gateway acknowledged arrives there, whatever happens to the bridge's node in the middle of it. Resolves with
 * how many arrived more than once.
 */
export async function carriesAll(
  t: TestContext,
  cluster: UpstreamCluster,
  trouble: Trouble,
  { qos, protocol }: Carried = { qos: 1, protocol: 4 },
): Promise<number> {
  const [first, second] = cluster.nodes;
  assert.ok(first && second);
  const topic = `weir/${t.name.replace(/\W+/g, "-")}`;
  const { heard, until } = collect(await subscribed(t, second.url, topic, qos));
  const bridge = `{ id: up, ${servers(cluster)}, protocol: ${protocol}, keepAlive: 2s, timeout: 3s, preferred: none }`;
  const log: string[] = [];
  const gateway = await startGatewayWith(t, `[${bridge}]`, { log: (line) => log.push(line) });
  const client = await connectClient(t, gateway.listeners[0]);
  const sent = publishAll(client, topic, qos);
  await until((all) => all.length >= BEFORE, PATIENCE);
  if (trouble !== nothing) assert.ok(heard.length < MESSAGES, "the trouble begins before all have arrived");
  await Promise.all([sent, trouble(first, gateway)]);
  const missing = (): number[] => {
    const arrived = new Set(heard.map(({ payload }) => payload));
    return Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => !arrived.has(`${n}`));
  };
  await eventually(() => missing().length === 0, "all have arrived", PATIENCE).catch(() => {});
  if (missing().length > 0) t.diagnostic(log.join("\n"));
  assert.deepEqual(missing(), []);
  return heard.length - MESSAGES;
}

/** In ms. */
const SUBACK_WITHIN = 5_000;

/**
 * A cluster that has just lost a node may close connections while it finds a new leader, and mqtt.js then neither connects nor
 * calls back unless it may connect again.
 */
async function subscribed(t: TestContext, url: string, topic: string, qos: 1 | 2): Promise<MqttClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 200, connectTimeout: 5_000 });
  client.on("error", () => {});
  t.after(() => client.endAsync(true));
  const attempt = async (): Promise<boolean> => {
    const granted = client.subscribeAsync(topic, { qos }).then(
      () => true,
      () => false,
    );
    return Promise.race([granted, sleep(SUBACK_WITHIN, false, { ref: false })]);
  };
  await eventually(attempt, "the subscriber has its subscription", PATIENCE);
  return client;
}

/** Some at a time: brokers bound what a client may have unacknowledged at QoS 2. */
async function publishAll(client: MqttClient, topic: string, qos: 1 | 2): Promise<void> {
  for (let n = 0; n < MESSAGES; n += AT_A_TIME) {
    const some = Array.from({ length: AT_A_TIME }, (_, i) => client.publishAsync(topic, `${n + i}`, { qos }));
    await Promise.all(some);
  }
}

/** The configuration has name and password beside the URL. */
function bare(node: UpstreamNode | undefined): { href: string; username: string; password: string } {
  const { protocol, host, username, password } = new URL(node?.url ?? "");
  return { href: `${protocol}//${host}`, username: decodeURIComponent(username), password };
}
