import { WeirError } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Scalar } from "../core/reading.js";
import { type Profile, type SerialLine, serialCodec, simulation } from "../profile/index.js";
import { type Posted, playCoap } from "./coap.js";
import { parseTarget } from "./exchange.js";
import { openPortLine } from "./port.js";
import { simulationProblem } from "./problem.js";
import { harmless } from "./render.js";
import { playSerial, type Said, type SerialPlay } from "./serial.js";
import { seedOf } from "./simulate.js";

/** `weir simulate`: one device, onto a port that is there or against a CoAP server. Exactly one of `port` and `coap`. */
export interface PlayOptions {
  readonly profile: Profile;
  /** A serial port: the other end of a cable or of a pseudo-terminal. */
  readonly port?: string;
  /** `coap://127.0.0.1:5683` */
  readonly coap?: string;
  /** Where it posts, and what its seed is made from. Left out: the profile's last word (`pms5003`). */
  readonly device?: string;
  readonly seed?: number;
  /** ms until a post counts as unanswered; 5 s if left out. */
  readonly patience?: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** Takes one line without its newline for everything that is said. */
  readonly print: (line: string) => void;
}

/** Shorter than a gateway's: whoever watches wants to know, and one transmission more is in it (RFC 7252 4.2), in ms. */
const PATIENCE_MS = 5_000;

/**
 * Plays until `signal` is aborted. Rejects with PROFILE_INVALID, PORT_FAILED (a port that cannot be opened or is lost) or
 * COMMAND_INVALID (neither or both of port and coap, or no CoAP URL).
 */
export async function play(options: PlayOptions): Promise<void> {
  const { profile, port, coap } = options;
  if ((port === undefined) === (coap === undefined)) {
    throw new WeirError("COMMAND_INVALID", "a simulated device needs either --port PATH or --coap URL");
  }
  const device = options.device ?? profile.name.split("/").at(-1) ?? profile.name;
  const problem = simulationProblem({ id: device, adapter: port === undefined ? "coap" : "serial", profile });
  const played = simulation(profile, options.seed ?? seedOf(device));
  if (problem !== undefined || played === undefined)
    throw new WeirError("PROFILE_INVALID", `${profile.name} ${problem}`);
  const common = { simulation: played, now: options.now, signal: options.signal, journal: options.journal, at: device };
  if (port !== undefined) return playOnPort(port, serialCodec(profile).line, common, options.print);
  const target = coap ?? "";
  checkTarget(target);
  const patience = options.patience ?? PATIENCE_MS;
  const onAnswer = (posted: Posted): void => options.print(postedLine(posted));
  return playCoap({ ...common, patience, profile, path: device, target, onAnswer });
}

/** Ends with the port's error when it is lost, also while the device has nothing to say. */
async function playOnPort(
  path: string,
  settings: SerialLine,
  common: Omit<SerialPlay, "line" | "said">,
  print: (line: string) => void,
): Promise<void> {
  const over = new AbortController();
  let why: WeirError | undefined;
  const line = await openPortLine(path, settings, (lost) => {
    why = lost;
    over.abort();
  });
  const said = ({ time, bytes, values }: Said): void =>
    print(`${clock(time)}  ${bytesText(bytes)}  ${valuesText(values)}`);
  try {
    await playSerial({ ...common, line, said, signal: AbortSignal.any([common.signal, over.signal]) });
  } finally {
    await line.close();
  }
  if (why !== undefined) throw why;
}

/** While playing a wrong URL would be one failure of many; before, it is a slip of whoever typed it. */
function checkTarget(target: string): void {
  try {
    parseTarget(target);
  } catch (error) {
    throw new WeirError("COMMAND_INVALID", error instanceof Error ? error.message : String(error));
  }
}

function postedLine({ time, path, values, outcome }: Posted): string {
  const answer = outcome.kind === "answered" ? `${outcome.code} ${harmless(outcome.text)}`.trimEnd() : outcome.kind;
  return `${clock(time)}  POST /${path.join("/")}  ${valuesText(values)}  ${answer}`;
}

function clock(time: number): string {
  return new Date(time).toISOString();
}

/** Text as text in quotes, anything else in hexadecimal digits. */
export function bytesText(bytes: Uint8Array): string {
  const isText = bytes.every(
    (byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a || byte === 0x09,
  );
  return isText ? JSON.stringify(Buffer.from(bytes).toString("latin1")) : Buffer.from(bytes).toString("hex");
}

function valuesText(values: ReadonlyMap<string, Scalar>): string {
  return [...values]
    .map(
      ([name, value]) => `${name}=${value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)}`,
    )
    .join(" ");
}
