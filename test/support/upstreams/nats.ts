import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locate } from "../peers.js";
import { steadyPorts } from "../ports.js";
import { ready, startCluster, type UpstreamCluster } from "./cluster.js";

/** Three nats-servers with JetStream and MQTT, all state on each of them. `needs("nats-server")` goes with it. */
export async function startNats(): Promise<UpstreamCluster> {
  const ports = await steadyPorts(9);
  const [mqtt, clients, routes] = [ports.slice(0, 3), ports.slice(3, 6), ports.slice(6, 9)];
  return startCluster("nats", async ({ folder, node }) => {
    const nodes = mqtt.map((port, i) => {
      const store = join(folder, `store${i}`);
      mkdirSync(store);
      const file = join(folder, `node${i}.conf`);
      writeFileSync(
        file,
        `server_name: n${i}
listen: "127.0.0.1:${clients[i]}"
jetstream { store_dir: "${store}", max_mem: 256M, max_file: 1G }
cluster {
  name: edge
  listen: "127.0.0.1:${routes[i]}"
  routes: [${routes.map((route) => `"nats://127.0.0.1:${route}"`).join(", ")}]
}
mqtt { listen: "127.0.0.1:${port}", ack_wait: "3s", max_ack_pending: 1000, stream_replicas: 3, consumer_replicas: 3 }
`,
      );
      const command = locate("nats-server") ?? "nats-server";
      return node(`mqtt://127.0.0.1:${port}`, { command, args: ["-c", file], log: `node${i}.log` });
    });
    await Promise.all(nodes.map(({ url }) => ready(url)));
    return nodes;
  });
}
