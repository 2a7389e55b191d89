import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locate } from "../peers.js";
import { steadyPorts } from "../ports.js";
import { ready, startCluster, type UpstreamCluster } from "./cluster.js";

/**
 * One mosquitto that keeps its state over `kill` and `restart`: it writes after every change, while a configuration
 * without these lines writes every half hour. `needs("mosquitto")` goes with it.
 */
export async function startPersistentMosquitto(): Promise<UpstreamCluster> {
  const [port] = await steadyPorts(1);
  return startCluster("mosquitto", async ({ folder, node }) => {
    const state = join(folder, "state");
    mkdirSync(state);
    const file = join(folder, "mosquitto.conf");
    writeFileSync(
      file,
      `listener ${port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location ${state}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
`,
    );
    const only = node(`mqtt://127.0.0.1:${port}`, {
      command: locate("mosquitto") ?? "mosquitto",
      args: ["-c", file],
      log: "mosquitto.log",
    });
    await ready(only.url);
    return [only];
  });
}
