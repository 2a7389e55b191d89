import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { hashPassword } from "../../src/broker/access/users/hash.js";
import { type Gateway, startGateway } from "../../src/gateway.js";
import { createRecorder } from "../../src/journal.js";
import { makePlan } from "../../src/plan.js";
import { type Dialogue, startDialogue } from "./dialogue.js";
import { eventually } from "./eventually.js";
import { temporaryFolder } from "./folder.js";
import { freeUdpPort } from "./ports.js";
import { run } from "./run.js";

export interface PubSubSetup {
  /** `adapters.coap.pubsub`, YAML. */
  readonly pubsub?: string;
  /** More of `adapters.coap`: `, dtls: {...}`. */
  readonly coap?: string;
  /** More of `broker`. */
  readonly broker?: string;
  readonly bridges?: string;
  /** Names and passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /** Written into the gateway's folder. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface PubSubBench {
  readonly gateway: Gateway;
  /** Of the broker's listener. */
  readonly mqtt: string | undefined;
  /** Of CoAP over UDP. */
  readonly port: number;
  readonly secure: number;
  readonly folder: string;
}

/** A gateway that publishes and subscribes through CoAP, through the real loader. Ends with the test. */
export async function startPubSub(t: TestContext, setup: PubSubSetup = {}): Promise<PubSubBench> {
  const folder = temporaryFolder("weir-pubsub-");
  const [port, secure] = [await freeUdpPort(), await freeUdpPort()];
  const { pubsub = "true", coap = "", broker = "", bridges = "[]", users, files = {} } = setup;
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
  if (users !== undefined) await writeUsers(join(folder, "users"), users);
  const listen = [`udp://127.0.0.1:${port}`, ...(coap.includes("dtls") ? [`dtls://127.0.0.1:${secure}`] : [])];
  const file = join(folder, "weir.yaml");
  writeFileSync(
    file,
    `gateway: { id: g }
broker: { listeners: [tcp://127.0.0.1:0], durability: memory${users === undefined ? "" : ", users: users"}${broker} }
adapters: { coap: { listen: [${listen.join(", ")}], pubsub: ${pubsub}${coap} } }
bridges: ${bridges}
`,
  );
  let open = false;
  const recorder = createRecorder({
    level: "info",
    format: "text",
    write: (line) => {
      if (line.includes("link_up")) open = true;
      if (/ (warn|error) /.test(line)) t.diagnostic(line.trim());
    },
    now: Date.now,
  });
  const gateway = await startGateway({ plan: makePlan({ file, set: [], env: {} }), recorder });
  t.after(() => gateway.close());
  await eventually(() => open, "CoAP is listened for");
  return { gateway, mqtt: gateway.listeners[0], port, secure, folder };
}

export async function writeUsers(path: string, users: Readonly<Record<string, string>>): Promise<void> {
  const lines = await Promise.all(
    Object.entries(users).map(async ([name, password]) => `${name}:${await hashPassword(Buffer.from(password))}\n`),
  );
  writeFileSync(path, lines.join(""), { mode: 0o600 });
}

export interface Answered {
  /** Of the answer: `2.05`. */
  readonly code: string | undefined;
  readonly options: string;
  readonly text: string;
}

const CLIENT = "coap-client-notls";

/** One request by libcoap's client, which ends with 0 whatever the answer is: what it prints at level 6 tells. */
export async function libcoap(uri: string, ...args: string[]): Promise<Answered> {
  const { said } = await run(CLIENT, ["-v", "6", "-B", "10", ...args, uri]);
  return answerIn(said);
}

export function answerIn(said: string): Answered {
  const match = /^v:1 t:(?:ACK|CON|NON) c:([245]\.\d\d) i:\w+ \{\w*\} \[([^\]]*)\](?: :: '([^']*)')?/m.exec(said);
  return { code: match?.[1], options: match?.[2]?.trim() ?? "", text: match?.[3] ?? "" };
}

export interface Notified {
  readonly type: string;
  readonly code: string;
  readonly text: string;
}

/** libcoap's client as an observer: all that it was sent after the answer to its registration. */
export async function observe(
  t: TestContext,
  uri: string,
  ...args: string[]
): Promise<{ readonly heard: () => Notified[]; readonly program: Dialogue }> {
  // Into a pipe it would say nothing until its buffer is full.
  const program = startDialogue(t, "stdbuf", [
    "-oL",
    CLIENT,
    "-v",
    "6",
    "-m",
    "get",
    "-s",
    "60",
    "-B",
    "60",
    ...args,
    uri,
  ]);
  await program.hears("c:2\\.05 [^\\n]*Observe");
  // What it prints of payloads has no line of its own.
  const heard = (): Notified[] =>
    [...program.said.matchAll(/v:1 t:(CON|NON) c:([245]\.\d\d) i:\w+ \{\w*\} \[[^\]]*\](?: :: '([^']*)')?/g)].map(
      ([, type = "", code = "", text = ""]) => ({ type, code, text }),
    );
  return { heard, program };
}
