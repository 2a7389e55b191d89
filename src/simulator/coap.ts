import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Scalar } from "../core/reading.js";
import type { Profile, Simulation } from "../profile/index.js";
import { type CoapClient, connectCoap, type Outcome } from "./exchange.js";
import { type Post, type Posting, postingOf, postsOf } from "./payload.js";

/** What a simulated device posted and what came of it. */
export interface Posted extends Post {
  /** ms since the Unix epoch. */
  readonly time: number;
  readonly values: ReadonlyMap<string, Scalar>;
  readonly outcome: Outcome;
}

export interface CoapPlay {
  readonly profile: Profile;
  readonly simulation: Simulation;
  /** Where it posts: the device's id, unless its address says otherwise. Slashes part the segments. */
  readonly path: string;
  /** `coap://127.0.0.1:5683` */
  readonly target: string;
  /** How it posts; the profile's way if left out. */
  readonly posting?: Posting;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Ends the play. */
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** For the journal: the device's id. */
  readonly at: string;
  /** ms until a request counts as unanswered. */
  readonly patience?: number;
  readonly onAnswer?: (posted: Posted) => void;
}

/** Three transmissions (RFC 7252 4.2: after 2 to 3 s, then twice as long), and then the values are old. */
const PATIENCE_MS = 20_000;

/**
 * Plays a device that posts its values to a CoAP server, one request at a time. Whatever the server does goes to the journal
 * as `simulator_refused`, and the device goes on. Resolves when `signal` is aborted; never rejects.
 */
export async function playCoap(options: CoapPlay): Promise<void> {
  const { profile, simulation, path, target, now, signal } = options;
  const posting = options.posting ?? postingOf(profile);
  let client: CoapClient | undefined;
  const hangUp = (): void => client?.close();
  signal.addEventListener("abort", hangUp, { once: true });

  const round = async (): Promise<void> => {
    // Kept for good: a device has one port. Until there is one, each round tries anew.
    client ??= await connectCoap(target, options.patience ?? PATIENCE_MS);
    if (signal.aborted) return client.close();
    const time = now();
    const values = simulation.values(time);
    for (const post of postsOf(profile, posting, path, values)) {
      const outcome = await client.post(post);
      if (signal.aborted) return;
      report(options, outcome);
      options.onAnswer?.({ ...post, time, values, outcome });
    }
  };

  const start = performance.now();
  while (!signal.aborted) {
    try {
      await round();
    } catch (error) {
      report(options, { kind: "failed", message: messageOf(error) });
    }
    const turns = Math.floor((performance.now() - start) / simulation.every) + 1;
    // The signal wakes it with an error, which says nothing that the signal does not.
    await wait(start + turns * simulation.every - performance.now(), undefined, { signal }).catch(() => {});
  }
  signal.removeEventListener("abort", hangUp);
}

function report({ journal, at, target }: CoapPlay, outcome: Outcome): void {
  const problem = problemOf(outcome);
  if (problem === undefined) return;
  const [reason, what] = problem;
  const message = `the simulated device posted to ${target}: ${what}`;
  journal({ level: "warn", event: "simulator_refused", at, message, reason });
}

/** A word for the counter and words for people; undefined where all is well. */
function problemOf(outcome: Outcome): readonly [reason: string, what: string] | undefined {
  switch (outcome.kind) {
    case "answered": {
      if (outcome.code.startsWith("2.")) return undefined;
      const reason = outcome.code.startsWith("4.") ? "client_error" : "server_error";
      return [reason, `refused with ${outcome.code}${outcome.text === "" ? "" : `: ${outcome.text}`}`];
    }
    case "reset":
      return ["reset", "refused with a reset: no CoAP server, or one that had forgotten it"];
    case "timeout":
      return ["timeout", "no answer. Is the gateway's CoAP adapter running there?"];
    case "failed":
      return ["failed", outcome.message];
  }
}
