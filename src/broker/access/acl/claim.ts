import { validFilter } from "../../../core/topics.js";
import type { TokenAcl } from "../access.js";
import { filledRule } from "./configured.js";
import type { Names } from "./placeholders.js";
import type { Rule } from "./rules.js";

const KEYS: ReadonlyMap<string, keyof TokenAcl> = new Map([
  ["pub", "publish"],
  ["sub", "subscribe"],
  ["all", "all"],
]);
/** A token is short (jwt/token.ts); this bounds what a client costs in each question. */
const MAX_TOPICS = 256;

/**
 * The claim `acl` in the shape that EMQX reads, `{pub: [...], sub: [...], all: [...]}`. Undefined where it is none of that shape:
 * half of an access list is not honoured.
 */
export function readTokenAcl(claim: unknown): TokenAcl | undefined {
  if (typeof claim !== "object" || claim === null || Array.isArray(claim)) return undefined;
  const acl: Record<keyof TokenAcl, string[]> = { publish: [], subscribe: [], all: [] };
  for (const [key, topics] of Object.entries(claim)) {
    const name = KEYS.get(key);
    if (name === undefined || !Array.isArray(topics)) return undefined;
    for (const topic of topics) {
      if (typeof topic !== "string") return undefined;
      // EMQX knows its placeholders by two names.
      const filter = topic.replace(/\$\{clientid\}/g, "%c").replace(/\$\{username\}/g, "%u");
      if (!validFilter(filter)) return undefined;
      acl[name].push(filter);
    }
  }
  return acl.publish.length + acl.subscribe.length + acl.all.length > MAX_TOPICS ? undefined : acl;
}

export function tokenRules(acl: TokenAcl, names: Names): Rule[] {
  return (["publish", "subscribe", "all"] as const).map((actions) => filledRule("allow", actions, acl[actions], names));
}
