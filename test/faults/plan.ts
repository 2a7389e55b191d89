import type { Cut, Direction } from "../support/link.js";
import type { Random } from "../support/random.js";

/** Names of what can be done, as `--fault` takes them. */
export const FAULTS = [
  "gateway-kill",
  "upstream-kill",
  "link-close",
  "link-reset",
  "link-freeze",
  "link-hold",
  "acks-cut",
  "publishes-cut",
  "disk",
] as const;
export type FaultName = (typeof FAULTS)[number];

/** What is done unless `--fault` chooses: the disk needs a mount. */
export const USUAL: readonly FaultName[] = FAULTS.filter((name) => name !== "disk");

/** Times in ms. */
export type Fault =
  | { readonly name: "gateway-kill" | "upstream-kill"; readonly away: number }
  | { readonly name: "link-close" | "link-reset" | "link-freeze" }
  | { readonly name: "link-hold" | "disk"; readonly lasts: number }
  | {
      readonly name: "acks-cut" | "publishes-cut";
      readonly direction: Direction;
      readonly bytes: number;
      readonly how: Cut;
    };

export interface Step {
  /** How long after the step before. */
  readonly after: number;
  /** Not before the bridge carries again: otherwise the fault may hit the recovery from the one before. */
  readonly patient: boolean;
  /** At once. */
  readonly faults: readonly Fault[];
}

/** The same seed plans the same steps. `names` must not be empty. */
export function nextStep(random: Random, names: readonly FaultName[]): Step {
  const after = random.between(50, 900);
  const patient = random.chance(0.7);
  const first = choose(random, names);
  const others = names.filter((name) => target(name) !== target(first));
  const both = others.length > 0 && random.chance(0.3) ? [first, choose(random, others)] : [first];
  return { after, patient, faults: both.map((name) => fault(random, name)) };
}

/** What a fault is done to: two at once are done to two things. */
function target(name: FaultName): string {
  return name.endsWith("-cut") ? "link" : name.replace(/-.*/, "");
}

function choose(random: Random, names: readonly FaultName[]): FaultName {
  const name = names[random.between(0, names.length - 1)];
  if (name === undefined) throw new RangeError("no faults to choose from");
  return name;
}

function fault(random: Random, name: FaultName): Fault {
  switch (name) {
    case "gateway-kill":
    case "upstream-kill":
      return { name, away: random.chance(0.5) ? 0 : random.between(50, 700) };
    case "link-close":
    case "link-reset":
    case "link-freeze":
      return { name };
    case "link-hold":
      return { name, lasts: random.between(20, 600) };
    case "disk":
      return { name, lasts: random.between(100, 800) };
    case "acks-cut":
      return { name, direction: "down", bytes: random.between(1, 200), how: random.pick(["close", "reset", "freeze"]) };
    case "publishes-cut":
      return { name, direction: "up", bytes: random.between(1, 4000), how: random.pick(["close", "reset", "freeze"]) };
  }
}
