import { type AccessOverrides, type AccessSettings, mergeAccess } from "../../config/access-schema.js";
import type { Identity } from "./access.js";
import { tokenRules } from "./acl/claim.js";
import { configuredRules } from "./acl/configured.js";
import type { RuleList } from "./acl/rules.js";
import { createGate, type Gate, type GateOptions } from "./gate.js";
import type { Sources } from "./sources.js";

/** What the configuration says of access. Paths are absolute. */
export interface AccessConfig {
  /** What holds for every listener that says nothing else. */
  readonly settings: AccessSettings;
  /** By the URL as configured, which is `Credentials.listener`. */
  readonly listeners?: readonly { readonly url: string; readonly access?: AccessOverrides | undefined }[];
}

/** One listener's rules of both kinds: who comes in, and what each may do. */
export interface Policy extends Gate {
  rulesFor(identity: Identity): RuleList;
}

type Parts = Pick<GateOptions, "byOrigin" | "now" | "trusted" | "ticks">;

/** The policy of each listener, by its URL. Names to `sources` all files that there are; they are to be loaded before it is asked. */
export function createPolicies(
  { settings, listeners = [] }: AccessConfig,
  sources: Sources,
  parts: Parts,
): (listener: string) => Policy {
  const general = createPolicy(settings, sources, parts);
  const own = new Map<string, Policy>();
  for (const { url, access } of listeners)
    if (access !== undefined) own.set(url, createPolicy(mergeAccess(settings, access), sources, parts));
  return (listener) => own.get(listener) ?? general;
}

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
