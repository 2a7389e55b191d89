import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type Peer, locate } from "./peers.js";
import { freeUdpPort } from "./ports.js";
import { startProgram } from "./program.js";

const run = promisify(execFile);
/** ms for a run of the client: longer than the standard lets one exchange take. */
const PATIENCE = 120_000;

export interface Asked {
  /** The codes of all responses that it received, in order. */
  readonly codes: readonly string[];
  /** What it printed of payloads. */
  readonly payload: string;
  /** All that it said. */
  readonly text: string;
}

/**
 * Runs libcoap's client. It ends with 0 whatever the answer is: what it prints at -v 6 tells the codes. `-B` among the arguments is
 * how long it waits, in s.
 */
export async function askByLibcoap(
  uri: string,
  args: readonly string[] = [],
  program: Peer = "coap-client-notls",
): Promise<Asked> {
  const { stdout, stderr } = await run(locate(program) ?? program, ["-v", "6", "-B", "90", ...args, uri], {
    timeout: PATIENCE,
    maxBuffer: 16 * 1024 * 1024,
  });
  const text = stdout + stderr;
  const codes = [...text.matchAll(/^v:1 t:(?:ACK|CON|NON) c:([245]\.[0-9]{2}) /gm)].map(([, code]) => code ?? "");
  const payload = stdout
    .split("\n")
    .filter((line) => !line.startsWith("v:1 t:"))
    .join("\n");
  return { codes, payload, text };
}

/** A file with that content, for -f, gone after the test. */
export async function payloadFile(context: TestContext, content: Uint8Array | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-coap-"));
  context.after(() => rm(folder, { recursive: true }));
  const name = join(folder, "payload");
  await writeFile(name, content);
  return name;
}

/** libcoap's example server: `/`, `/time` to observe, `/async?SECONDS` answered separately, `/example_data` to change. */
export async function startLibcoapServer(
  context: TestContext,
  args: readonly string[] = [],
  program: Peer = "coap-server-notls",
): Promise<{ readonly port: number }> {
  const port = await freeUdpPort();
  const log = await payloadFile(context, "");
  const server = await startProgram({
    command: locate(program) ?? program,
    args: ["-A", "127.0.0.1", "-p", String(port), "-v", "7", ...args],
    ready: /created UDP +endpoint/i,
    log,
  });
  context.after(() => server.signal("SIGKILL"));
  return { port };
}
