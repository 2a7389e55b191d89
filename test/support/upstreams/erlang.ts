import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { locate } from "../peers.js";
import type { Site } from "./cluster.js";
import { MARK } from "./keeper.js";

/** What Erlang nodes share to find each other and to talk: a port mapper and a secret of the cluster's own. */
export interface Erlang {
  readonly env: Readonly<Record<string, string>>;
  /** Arguments of `erl` that keep the distribution on the loopback and its schedulers off the other tests' cores. */
  readonly args: readonly string[];
  /** Calls a function on a node and returns the result as Erlang writes it. `args` are Erlang terms with commas between. */
  call(node: string, module: string, name: string, args: string): Promise<string>;
}

const LOOPBACK = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"];
const CALL_LIMIT = 30_000;

/** Starts the port mapper (epmd) on `port`. The one that Erlang would start by itself is a daemon on a fixed port. */
export function startErlang(site: Site, port: number): Erlang {
  const { folder } = site;
  // In HOME, where every node looks for it. Others could run code in the cluster with it.
  writeFileSync(join(folder, ".erlang.cookie"), randomBytes(16).toString("hex"), { mode: 0o400 });
  const env = {
    ERL_EPMD_PORT: `${port}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_CRASH_DUMP_SECONDS: "0",
    LANG: "C.UTF-8",
  };
  site.run({ command: "epmd", args: ["-port", `${port}`, "-address", "127.0.0.1"], env, log: "epmd.log" });
  let calls = 0;
  return {
    env,
    args: [...LOOPBACK, "+S", "2:2", "+sbwt", "none"],
    call: async (node, module, name, args) => {
      const text = `io:format("~0p", [rpc:call('${node}', ${module}, ${name}, [${args}])]), halt().`;
      const { stdout } = await promisify(execFile)(
        locate("erl") ?? "erl",
        ["-noinput", "-hidden", "-sname", `call${++calls}@localhost`, ...LOOPBACK, "-eval", text],
        { cwd: folder, env: { ...process.env, ...env, HOME: folder, [MARK]: folder }, timeout: CALL_LIMIT },
      );
      if (stdout.startsWith("{badrpc,")) throw new Error(`${module}:${name} on ${node}: ${stdout}`);
      return stdout;
    },
  };
}
