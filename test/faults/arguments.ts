import { parseArgs } from "node:util";
import type { Method } from "../support/strict-upstream/session.js";
import type { Qos } from "./compare.js";
import { FAULTS, type FaultName, USUAL } from "./plan.js";

export interface Arguments {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly upstream: "strict" | "mosquitto";
  readonly faults: readonly FaultName[];
  readonly method: Method | undefined;
  readonly protocol: 4 | 5 | undefined;
  readonly qos: readonly Qos[];
  readonly rate: number;
  readonly patience: number;
  /** The bridge sends batches. */
  readonly batch: boolean;
  readonly servers: 1 | 2;
  /** Torn writes and failing disks as well. */
  readonly torn: boolean;
  readonly json: boolean;
}

export const USAGE = `npm run -s test:faults -- [OPTION...]
  --seed N           repeats a plan; left out: another one each time
  --runs N           how many runs, with the seeds N, N+1, ... (4)
  --seconds N        how long faults are done in each (5)
  --upstream NAME    strict or mosquitto (strict)
  --fault NAME,...   only these: ${FAULTS.join(", ")}, or none
                     (all but disk, which fills a disk and needs to mount one; and torn writes, power cuts and failing disks under the
                     outbox and the sessions, at every byte and every call, on a disk that is played)
  --method A|B       when the strict upstream takes a QoS 2 message: at PUBREL or at PUBLISH (the seed chooses)
  --protocol 4|5     of the bridge (the seed chooses)
  --qos N,...        of the senders (0,1,2)
  --rate N           messages a second of each sender, of which each QoS has two (80)
  --patience N       seconds in which the rest must arrive once the faults have ended (60)
  --batch            the bridge sends batches
  --servers 1|2      2: a second strict upstream that shares no sessions with the first, to which all faults are done. A move
                     in the middle of QoS 2 may bring messages twice, so that those are counted and no failure. How the two interleave
                     is not known: "reordered" means nothing (1)
  --json             the last line is one JSON object
`;

const PROTOCOLS = { 4: 4, 5: 5 } as const;
const SERVERS = { 1: 1, 2: 2 } as const;

/** Throws an Error that says what is wrong. */
export function readArguments(argv: readonly string[], chosenSeed: () => number): Arguments {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: text,
      runs: { ...text, default: "4" },
      seconds: { ...text, default: "5" },
      upstream: { ...text, default: "strict" },
      fault: text,
      method: text,
      protocol: text,
      qos: { ...text, default: "0,1,2" },
      rate: { ...text, default: "80" },
      patience: { ...text, default: "60" },
      batch: { type: "boolean", default: false },
      servers: { ...text, default: "1" },
      json: { type: "boolean", default: false },
    },
  });
  const list = (of: string): string[] => of.split(",").filter((part) => part !== "" && part !== "none");
  const upstream = oneOf("upstream", values.upstream, ["strict", "mosquitto"]);
  const servers = SERVERS[oneOf("servers", values.servers, ["1", "2"])];
  if (servers === 2 && upstream !== "strict") throw new Error("--servers 2 is for the strict upstream only");
  return {
    seed: values.seed === undefined ? chosenSeed() : whole("seed", values.seed, 0),
    runs: whole("runs", values.runs, 1),
    seconds: whole("seconds", values.seconds, 1),
    upstream,
    torn: values.fault === undefined,
    faults: list(values.fault ?? USUAL.join(",")).map((name) => oneOf("fault", name, FAULTS)),
    method: values.method === undefined ? undefined : oneOf<Method>("method", values.method, ["A", "B"]),
    protocol: values.protocol === undefined ? undefined : PROTOCOLS[oneOf("protocol", values.protocol, ["4", "5"])],
    qos: list(values.qos).map((qos) => Number(oneOf("qos", qos, ["0", "1", "2"])) as Qos),
    rate: whole("rate", values.rate, 1),
    patience: whole("patience", values.patience, 1),
    batch: values.batch,
    servers,
    json: values.json,
  };
}

function oneOf<T extends string>(name: string, value: string, of: readonly T[]): T {
  const found = of.find((each) => each === value);
  if (found === undefined) throw new Error(`--${name} is one of ${of.join(", ")}, not ${value}`);
  return found;
}

function whole(name: string, value: string, least: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`--${name} is a whole number from ${least}, not ${value}`);
  return number;
}
