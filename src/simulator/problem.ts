import type { Profile } from "../profile/index.js";

const TRANSPORTS = ["serial", "coap"] as const;

/** What decides whether a device can be simulated. */
export interface Simulable {
  readonly id: string;
  readonly adapter: string;
  readonly profile: Profile | undefined;
}

/** Why a device cannot be simulated, in words that follow its name; undefined where it can. */
export function simulationProblem({ adapter, profile }: Simulable): string | undefined {
  if (!TRANSPORTS.some((transport) => transport === adapter))
    return `cannot be simulated: adapter ${adapter} is not one of ${TRANSPORTS.join(", ")}`;
  if (profile === undefined) return "cannot be simulated: it has no profile";
  if (profile.simulate === undefined) return `cannot be simulated: profile ${profile.name} has no simulate section`;
  if (adapter === "serial" && profile.serial === undefined)
    return `cannot be simulated: profile ${profile.name} has no serial section`;
  return undefined;
}
