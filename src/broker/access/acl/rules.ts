import { matches } from "../../../core/topics.js";
import type { Action } from "../access.js";
import { covers, intersection } from "./filters.js";

/** A rule as it holds for one client: its placeholders are filled in. */
export interface Rule {
  readonly effect: "allow" | "deny";
  readonly actions: "publish" | "subscribe" | "all";
  /** `every`: all topics, those of the broker included. */
  readonly filters: readonly string[] | "every";
}

/** The first rule that fits decides. What none fits: `allow` is all but to speak as the broker itself, `deny` is nothing. */
export interface RuleList {
  readonly rules: readonly Rule[];
  readonly otherwise: "allow" | "deny";
}

export function allows({ rules, otherwise }: RuleList, action: Action, topic: string): boolean {
  if (action === "subscribe") return allowsFilter({ rules, otherwise }, topic);
  for (const { effect, actions, filters } of rules) {
    if (actions !== "all" && actions !== (action === "publish" ? "publish" : "subscribe")) continue;
    if (filters === "every" || filters.some((filter) => matches(filter, topic))) return effect === "allow";
  }
  return otherwise === "allow" && !(action === "publish" && ofBroker(topic));
}

/**
 * A subscription is taken where something within its filter may be received: what may not is kept back at the delivery. So
 * `#` of a client that may read one topic gives it that topic.
 */
function allowsFilter({ rules, otherwise }: RuleList, wanted: string): boolean {
  /** What earlier rules deny of it, since the first one decides. */
  const denied: string[] = [];
  const open = (filter: string): boolean => !denied.some((one) => covers(one, filter));
  for (const { effect, actions, filters } of rules) {
    if (actions === "publish") continue;
    if (filters === "every") return effect === "allow" && open(wanted);
    for (const filter of filters) {
      const part = intersection(filter, wanted);
      if (part === undefined) continue;
      if (effect === "deny") denied.push(filter);
      else if (open(part)) return true;
    }
    if (effect === "deny" && !open(wanted)) return false;
  }
  return otherwise === "allow";
}

/** Its state, which others believe. A rule that names it can allow it, as mosquitto's bridges need. */
function ofBroker(topic: string): boolean {
  return topic === "$SYS" || topic.startsWith("$SYS/");
}
