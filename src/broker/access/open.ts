import { availableParallelism } from "node:os";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import type { Access, Identity } from "./access.js";
import { allows, type RuleList } from "./acl/rules.js";
import { FileWatch, type WatchOptions } from "./files/watch.js";
import { type AccessConfig, createPolicies } from "./policy.js";
import { Sources } from "./sources.js";
import { Throttle } from "./throttle.js";
import { Turns } from "./users/turns.js";

export interface AccessOptions extends AccessConfig {
  /** ms since the Unix epoch, for tokens. */
  readonly now: () => number;
  /** Whether `now` can be believed; until then no token can be checked. Left out: always. */
  readonly trusted?: () => boolean;
  /** ms of a clock that does not jump. */
  readonly ticks?: () => number;
  readonly journal: Journal;
  readonly watch?: WatchOptions;
}

/**
 * Two at a time: 64 MiB, and two of the four threads that libuv has, so that the disk keeps its own; one where it would otherwise
 * have all cores. With 64 that wait, some seconds of work, others are told to come again.
 */
const TURNS = { running: availableParallelism() > 2 ? 2 : 1, places: 64 };
/** Failures of one address: a site behind it has many devices. A guess every six seconds then. */
const BY_ORIGIN = { burst: 20, every: 6_000 };

/**
 * Reads all files that the settings name, and follows them. A change that is faulty is reported and leaves what was before.
 * @throws WeirError ACCESS_INVALID where a file is faulty at the start: nobody comes in by rules that nobody wrote.
 */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { journal } = options;
  const turns = new Turns(TURNS);
  const parts = {
    byOrigin: new Throttle(BY_ORIGIN),
    now: options.now,
    trusted: options.trusted ?? (() => true),
    ticks: options.ticks ?? (() => performance.now()),
  };
  const sources = new Sources({ turns, ...parts });
  const policyOf = createPolicies(options, sources, parts);

  /** What an identity may, worked out once: the files of some plants have thousands of lines. */
  let known = new WeakMap<Identity, RuleList>();
  const listeningTo: ((revoked: (identity: Identity) => boolean) => void)[] = [];
  const watch = await FileWatch.open(sources.paths, (path) => reload(path), options.watch);

  function reload(path: string): void {
    const problems = sources.load(path);
    if (problems !== undefined) {
      const message = `${problems.join("; ")}; what was read before still holds`;
      journal({ level: "error", event: "access_invalid", at: "broker", message });
      return;
    }
    known = new WeakMap();
    journal({ level: "info", event: "access_changed", at: "broker", message: `${path} was read anew` });
    for (const changed of listeningTo) changed((identity) => policyOf(identity.listener).revoked(identity));
  }

  const problems = sources.loadAll();
  if (problems.length > 0) {
    await watch.close();
    throw new WeirError("ACCESS_INVALID", problems.join("\n"));
  }

  return {
    authenticate: (credentials) => policyOf(credentials.listener).authenticate(credentials),
    may(identity, action, topic) {
      const rules = known.get(identity) ?? policyOf(identity.listener).rulesFor(identity);
      known.set(identity, rules);
      return allows(rules, action, topic);
    },
    onChange: (changed) => void listeningTo.push(changed),
    close: async () => {
      turns.close();
      await watch.close();
    },
  };
}

/** What `openAccess` would refuse, a line each, without opening anything: for `weir check`. */
export function accessProblems(config: AccessConfig): readonly string[] {
  const idle = { byOrigin: new Throttle(BY_ORIGIN), now: () => 0, trusted: () => false, ticks: () => 0 };
  const sources = new Sources({ turns: new Turns(TURNS), ...idle });
  createPolicies(config, sources, idle);
  return sources.loadAll();
}
