import { fitsPattern } from "../../../core/pattern.js";
import { fill, type Names } from "./placeholders.js";
import type { Rule, RuleList } from "./rules.js";

/** A rule of `broker.acl.rules`. What is left out fits all; `*` in a pattern stands for any text, or none. */
export interface ConfiguredRule {
  readonly allow?: Rule["actions"] | undefined;
  readonly deny?: Rule["actions"] | undefined;
  /** Of the user's name; no pattern fits an anonymous client. */
  readonly user?: string | undefined;
  readonly client?: string | undefined;
  /** Of the listener's URL. */
  readonly listener?: string | undefined;
  /** Filters with `%u` and `%c` in them. */
  readonly topics: readonly string[];
}

export interface ConfiguredAcl {
  readonly rules: readonly ConfiguredRule[];
  readonly default: RuleList["otherwise"];
}

export interface Whom extends Names {
  readonly listener: string;
}

export function configuredRules({ rules, default: otherwise }: ConfiguredAcl, whom: Whom): RuleList {
  return { rules: rules.flatMap((rule) => (fits(rule, whom) ? [toRule(rule, whom)] : [])), otherwise };
}

function fits({ user, client, listener }: ConfiguredRule, whom: Whom): boolean {
  return (
    (user === undefined || (whom.user !== undefined && fitsPattern(user, whom.user))) &&
    (client === undefined || fitsPattern(client, whom.clientId)) &&
    (listener === undefined || fitsPattern(listener, whom.listener))
  );
}

function toRule({ allow, deny, topics }: ConfiguredRule, names: Names): Rule {
  // A rule with neither of them is refused with the configuration: should one come here, it denies.
  const effect = allow !== undefined && deny === undefined ? "allow" : "deny";
  return filledRule(effect, (effect === "allow" ? allow : deny) ?? "all", topics, names);
}

/** A name that would widen a rule gains nothing by it, and loses all where the rule denies. */
export function filledRule(
  effect: Rule["effect"],
  actions: Rule["actions"],
  topics: readonly string[],
  names: Names,
): Rule {
  const filled = topics.map((topic) => fill(topic, names));
  if (effect === "deny" && filled.includes("unsafe")) return { effect, actions, filters: "every" };
  return { effect, actions, filters: filled.flatMap((one) => (typeof one === "string" ? [] : [one.filter])) };
}
