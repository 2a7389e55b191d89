import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { steadyPorts } from "../ports.js";
import { ready, startCluster, type UpstreamCluster, type UpstreamNode } from "./cluster.js";
import { type Erlang, startErlang } from "./erlang.js";

/** The one in the PATH changes the user and insists on being root. */
const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const NODES = [0, 1, 2];

/** Three RabbitMQs with rabbitmq_mqtt, subscriptions mirrored to each of them. `needs("rabbitmq-server")` goes with it. */
export async function startRabbit(): Promise<UpstreamCluster> {
  const ports = await steadyPorts(10);
  const [mqtt, amqp, distribution] = [ports.slice(0, 3), ports.slice(3, 6), ports.slice(6, 9)];
  return startCluster("rabbit", async (site) => {
    const { folder } = site;
    const erlang = startErlang(site, ports[9] ?? 0);
    writeFileSync(join(folder, "plugins"), "[rabbitmq_mqtt].");
    const start = async (i: number): Promise<UpstreamNode> => {
      writeFileSync(join(folder, `node${i}.conf`), configuration(mqtt[i], amqp[i]));
      const node = site.node(`mqtt://127.0.0.1:${mqtt[i]}`, {
        command: SERVER,
        args: [],
        env: environment(folder, i, distribution[i], erlang),
        log: `node${i}.log`,
      });
      await ready(node.url);
      return node;
    };
    // One after the other: the first two at the same time may each found a cluster of their own, and the last two may wait for
    // each other for ever, each a member that the other one's client id tracking counts on.
    const nodes: UpstreamNode[] = [];
    for (const node of NODES) nodes.push(await start(node));
    const running = await erlang.call(name(0), "rabbit_nodes", "all_running", "");
    assert.deepEqual(running.match(/\w+@\w+/g)?.sort(), NODES.map(name));
    await erlang.call(name(0), "rabbit_policy", "set", MIRRORED);
    return nodes;
  });
}

function name(index: number): string {
  return `r${index}@localhost`;
}

function configuration(mqtt: number | undefined, amqp: number | undefined): string {
  return `listeners.tcp.1 = 127.0.0.1:${amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
cluster_partition_handling = ignore
cluster_formation.peer_discovery_backend = classic_config
${NODES.map((i) => `cluster_formation.classic_config.nodes.${i + 1} = ${name(i)}`).join("\n")}
cluster_formation.randomized_startup_delay_range.min = 0
cluster_formation.randomized_startup_delay_range.max = 1
`;
}

function environment(
  folder: string,
  index: number,
  distribution: number | undefined,
  erlang: Erlang,
): Record<string, string> {
  const at = (file: string): string => join(folder, file);
  return {
    ...erlang.env,
    RABBITMQ_NODENAME: name(index),
    RABBITMQ_MNESIA_BASE: at(`state${index}`),
    RABBITMQ_LOG_BASE: at(`log${index}`),
    RABBITMQ_PID_FILE: at(`node${index}.pid`),
    RABBITMQ_CONFIG_FILE: at(`node${index}.conf`),
    RABBITMQ_ADVANCED_CONFIG_FILE: at("none"),
    RABBITMQ_CONF_ENV_FILE: at("none"),
    RABBITMQ_ENABLED_PLUGINS_FILE: at("plugins"),
    RABBITMQ_DIST_PORT: `${distribution}`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: erlang.args.join(" "),
    // Then the script becomes the server instead of waiting for it, and its process id is the server's.
    RUNNING_UNDER_SYSTEMD: "1",
  };
}

/** The arguments of rabbit_policy:set: every node holds every queue of a subscription, so that sessions survive a node. */
const MIRRORED = [
  `<<"/">>, <<"mqtt-on-all-nodes">>, <<"^mqtt-subscription-">>`,
  `[{<<"ha-mode">>, <<"all">>}, {<<"ha-sync-mode">>, <<"automatic">>}], 0, <<"queues">>, <<"weir">>`,
].join(", ");
