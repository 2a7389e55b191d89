import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locate } from "../peers.js";
import { steadyPorts } from "../ports.js";
import { answering, ready, startCluster, type UpstreamCluster } from "./cluster.js";
import { startErlang } from "./erlang.js";

/** The only one of the upstreams that asks for a name and a password: mod_mqtt has no anonymous clients. */
const USER = { name: "weir", password: "weir" };

/** Three ejabberds as one MQTT 3.1.1 and 5 cluster. `needs("ejabberdctl")` goes with it. */
export async function startEjabberd(): Promise<UpstreamCluster> {
  const [mapper = 0, ...ports] = await steadyPorts(4);
  return startCluster("ejabberd", async (site) => {
    const erlang = startErlang(site, mapper);
    const nodes = ports.map((port, i) => {
      const state = join(site.folder, `state${i}`);
      mkdirSync(state);
      const config = join(site.folder, `node${i}.yml`);
      writeFileSync(
        config,
        `hosts: [localhost]
loglevel: warning
auth_method: internal
auth_use_cache: false
listen: [{ port: ${port}, ip: "127.0.0.1", module: mod_mqtt, backlog: 1000 }]
modules:
  mod_mqtt:
    access_publish: { "#": [{ allow: all }] }
    access_subscribe: { "#": [{ allow: all }] }
    max_queue: 100000
`,
      );
      return site.node(`mqtt://${USER.name}%40localhost:${USER.password}@127.0.0.1:${port}`, {
        command: locate("erl") ?? "erl",
        // ejabberdctl would change the user, and reads /etc/ejabberd.
        args: [
          ...["-noinput", "-sname", name(i), ...erlang.args],
          ...["-mnesia", "dir", JSON.stringify(state), "-s", "ejabberd"],
        ],
        env: {
          ...erlang.env,
          ERL_LIBS: libraries(),
          EJABBERD_CONFIG_PATH: config,
          EJABBERD_LOG_PATH: join(site.folder, `log${i}`, "ejabberd.log"),
        },
        log: `node${i}.log`,
      });
    });
    await Promise.all(nodes.map(({ url }) => answering(url)));
    const quoted = [USER.name, "localhost", USER.password].map((text) => `<<"${text}">>`);
    for (const i of [1, 2]) await erlang.call(name(i), "ejabberd_cluster", "join", `'${name(0)}'`);
    await erlang.call(name(0), "ejabberd_auth", "try_register", quoted.join(", "));
    await Promise.all(nodes.map(({ url }) => ready(url)));
    return nodes;
  });
}

function name(index: number): string {
  return `e${index}@localhost`;
}

/** Debian keeps Erlang's libraries in a folder named after the architecture, which Erlang does not search by itself. */
function libraries(): string {
  const folders = readdirSync("/usr/lib", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const found = folders.find(({ name }) =>
    readdirSync(join("/usr/lib", name)).some((each) => /^ejabberd-\d/.test(each)),
  );
  return join("/usr/lib", found?.name ?? "");
}
