import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { ErrorWithReasonCode } from "mqtt";
import { eventually } from "../eventually.js";
import { MARK } from "./keeper.js";

export interface UpstreamNode {
  readonly url: string;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  /** It stops where it is (SIGSTOP), its connections stay open: what a hung machine or a cut cable looks like. */
  freeze(): void;
  /** It goes on (SIGCONT). */
  thaw(): void;
  /** Starts it again with the state it had, after `kill` or instead of it. Resolves when it accepts MQTT clients. */
  restart(): Promise<void>;
}

export interface UpstreamCluster {
  readonly nodes: readonly UpstreamNode[];
  /** Kills all of it and removes its folder. The same happens when the test process dies without a call. */
  stop(): Promise<void>;
}

/** How to run one server: arguments as `spawn` takes them. `log` is the name of a file in the cluster's folder. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly log: string;
}

export interface Site {
  /** Temporary, removed at the end. All that the servers write is in it. */
  readonly folder: string;
  /** Starts what ends with the cluster. */
  run(program: Program): ChildProcess;
  node(url: string, program: Program): UpstreamNode;
}

const KEEPER = join(import.meta.dirname, "keeper.js");
/** RabbitMQ needs this long to come back on a machine that is busy with other tests. In ms. */
const READY_WITHIN = 60_000;
/** A server that is starting may accept the connection long before it reads from it. In ms. */
const CONNACK_WITHIN = 3_000;

/** Between attempts to connect, in ms. */
const PAUSE = 100;

/** Builds a cluster in a folder of its own. Where `build` fails all is ended, and the error has the ends of the logs. */
export async function startCluster(
  name: string,
  build: (site: Site) => Promise<readonly UpstreamNode[]>,
): Promise<UpstreamCluster> {
  const folder = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  // Of its own process group, so that Ctrl-C in a terminal does not end it before it has ended the others.
  const keeper = spawn(process.execPath, [KEEPER, folder], { stdio: ["pipe", "ignore", "inherit"], detached: true });
  const kept = once(keeper, "exit");
  const logs = new Set<string>();
  const stop = async (): Promise<void> => {
    keeper.stdin?.end();
    const [status] = (await kept) as [number | null];
    if (status !== 0) throw new Error(`the keeper of ${name} ended with ${status}: see what runs in ${folder}`);
  };
  const run = ({ command, args, env, log }: Program): ChildProcess => {
    const path = join(folder, log);
    logs.add(path);
    const output = openSync(path, "a");
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...env, HOME: folder, [MARK]: folder },
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    child.on("error", () => {}); // it shows as a node that is never ready
    return child;
  };
  const node = (url: string, program: Program): UpstreamNode => {
    let child = run(program);
    return {
      url,
      kill: () => end(child),
      freeze: () => void child.kill("SIGSTOP"),
      thaw: () => void child.kill("SIGCONT"),
      restart: async () => {
        await end(child);
        child = run(program);
        await ready(url);
      },
    };
  };
  try {
    return { nodes: await build({ folder, run, node }), stop };
  } catch (cause) {
    const said = [...logs].map((path) => `${path}:\n${readFileSync(path, "utf8").slice(-1000)}`).join("\n");
    await stop();
    throw new Error(`${name} did not start: ${cause}\n${said}`, { cause });
  }
}

/** Resolves when the server at the URL accepts an MQTT client. */
export function ready(url: string): Promise<void> {
  return eventually(async () => (await greet(url)) === "accepted", `${url} accepts an MQTT client`, READY_WITHIN);
}

/** The same for a server that knows no user yet. */
export function answering(url: string): Promise<void> {
  return eventually(async () => (await greet(url)) !== "silent", `${url} answers an MQTT client`, READY_WITHIN);
}

async function greet(url: string): Promise<"accepted" | "refused" | "silent"> {
  try {
    const options = { reconnectPeriod: 0, connectTimeout: CONNACK_WITHIN, clean: true };
    const client = await mqtt.connectAsync(url, options, false);
    await client.endAsync(true);
    return "accepted";
  } catch (error) {
    if (error instanceof ErrorWithReasonCode) return "refused";
    // A server that starts should not be kept busy with refusing.
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    return "silent";
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
