import { availableParallelism } from "node:os";
import { type AccessOverrides, type AccessSettings, mergeAccess } from "../../config/access-schema.js";
import { WeirError } from "../../core/errors.js";
import type { Journal } from "../../core/journal.js";
import type { Access, Identity } from "./access.js";
import { tokenRules } from "./acl/claim.js";
import { configuredRules } from "./acl/configured.js";
import { allows, type RuleList } from "./acl/rules.js";
import { FileWatch, type WatchOptions } from "./files/watch.js";
import { createGate, type Gate } from "./gate.js";
import { Sources } from "./sources.js";
import { Throttle } from "./throttle.js";
import { Turns } from "./users/turns.js";

export interface AccessOptions {
  /** What holds for every listener that says nothing else. Paths are absolute. */
  readonly settings: AccessSettings;
  /** By the URL as configured, which is `Credentials.listener`. */
  readonly listeners?: readonly { readonly url: string; readonly access?: AccessOverrides | undefined }[];
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

/** One listener's rules of both kinds. */
interface Policy extends Gate {
  rulesFor(identity: Identity): RuleList;
}

/**
 * Reads all files that the settings name, and follows them. A change that is faulty is reported and leaves what was before.
 * @throws WeirError ACCESS_INVALID where a file is faulty at the start: nobody comes in by rules that nobody wrote.
 */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { settings, listeners = [], journal } = options;
  const turns = new Turns(TURNS);
  const parts = {
    byOrigin: new Throttle(BY_ORIGIN),
    now: options.now,
    trusted: options.trusted ?? (() => true),
    ticks: options.ticks ?? (() => performance.now()),
  };
  const sources = new Sources({ turns, ...parts });
  const makePolicy = (access: AccessSettings): Policy => createPolicy(access, sources, parts);
  const general = makePolicy(settings);
  const own = new Map(
    listeners.flatMap(({ url, access }) =>
      access === undefined ? [] : [[url, makePolicy(mergeAccess(settings, access))] as const],
    ),
  );
  const policyOf = (listener: string): Policy => own.get(listener) ?? general;

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

  const problems = sources.paths.flatMap((path) => sources.load(path) ?? []);
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

type Parts = Pick<Parameters<typeof createGate>[0], "byOrigin" | "now" | "trusted" | "ticks">;

function createPolicy(access: AccessSettings, sources: Sources, parts: Parts): Policy {
  const { anonymous, users, jwt, acl, aclFile } = access;
  const key = jwt && sources.key(jwt.keyFile, jwt.algorithm);
  const gate = createGate({
    ...parts,
    anonymous,
    passwords: users === undefined ? undefined : sources.passwords(users),
    tokens: jwt && key ? { rules: jwt, key } : undefined,
  });
  const file = aclFile === undefined ? undefined : sources.acl(aclFile);
  const general = (identity: Identity): RuleList => {
    if (file !== undefined) return file().rulesFor(identity);
    return acl === undefined ? { rules: [], otherwise: "allow" } : configuredRules(acl, identity);
  };
  return {
    ...gate,
    rulesFor(identity) {
      const list = general(identity);
      const own = identity.grounds?.by === "token" ? identity.grounds.acl : undefined;
      // What the gateway's rules say stands; where they say nothing the token does, in place of their default.
      return own === undefined
        ? list
        : { rules: [...list.rules, ...tokenRules(own, identity)], otherwise: "deny" as const };
    },
  };
}
