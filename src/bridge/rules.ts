import type { Message, Qos } from "../core/message.js";
import { localFilter, matches, remoteFilter, toLocal, toRemote } from "../core/topics.js";
import type { Terms } from "../outbox/outbox.js";
import type { Lane } from "./session/session.js";
import type { Subscription } from "./upstream/subscribe.js";

/**
 * One line of what a bridge carries, on the model of mosquitto's `topic` lines. Out: a local topic that matches
 * `localPrefix + filter` goes up with `localPrefix` replaced by `remotePrefix`. In: the reverse.
 */
export interface Rule {
  readonly direction: "out" | "in" | "both";
  readonly filter: string;
  readonly localPrefix: string;
  readonly remotePrefix: string;
  /** A cap: a message's own QoS is lowered to it, never raised. */
  readonly qos?: Qos | undefined;
  readonly retain: "keep" | "clear";
  readonly priority: "normal" | "high";
  /** ms */
  readonly expiry?: number | undefined;
  readonly whenFull?: Terms["whenFull"] | undefined;
  readonly durability?: Terms["durability"] | undefined;
  /** What becomes of QoS 0 while the upstream is away. */
  readonly qos0: "queue" | "drop";
}

/** A message on its way up. */
export interface Ascent {
  /** As the upstream gets it. */
  readonly message: Message;
  readonly lane: Lane;
  readonly terms: Terms;
  /** Not worth keeping while the upstream is away. */
  readonly fleeting: boolean;
}

export interface Routes {
  /** What becomes of a local message, or undefined where no rule takes it. */
  up(message: Message): Ascent | undefined;
  /** The message as the gateway gets it, or undefined where no rule brings it. */
  down(message: Message): Message | undefined;
  /** What to subscribe to at the upstream. */
  readonly subscriptions: readonly Subscription[];
  /** Whether what goes up may come back down by the same rule. */
  readonly echoes: boolean;
}

/** The first rule that matches decides. */
export function routes(rules: readonly Rule[]): Routes {
  const out = rules.filter(({ direction }) => direction !== "in").map((rule) => ({ rule, ...ascentOf(rule) }));
  const into = rules.filter(({ direction }) => direction !== "out");
  const onlyIn = rules.filter(({ direction }) => direction === "in");
  /** What an "in" rule would bring back down must not go up: a local command would come back and run twice. */
  const comesDown = (topic: string): boolean => onlyIn.some((rule) => matches(localFilter(rule), topic));
  return {
    up: (message) => {
      if (comesDown(message.topic)) return undefined;
      const found = out.find(({ rule }) => matches(localFilter(rule), message.topic));
      if (found === undefined) return undefined;
      const mapped = remap(message, toRemote(found.rule, message.topic), found.rule);
      if (mapped === undefined) return undefined;
      return { message: mapped, lane: found.lane, terms: found.terms, fleeting: found.drops && mapped.qos === 0 };
    },
    down: (message) => {
      const rule = into.find((each) => matches(remoteFilter(each), message.topic));
      return rule && remap(message, toLocal(rule, message.topic), rule);
    },
    subscriptions: into.map((rule) => ({
      filter: remoteFilter(rule),
      qos: rule.qos ?? 1,
      noLocal: rule.direction === "both",
    })),
    echoes: rules.some(({ direction }) => direction === "both"),
  };
}

function ascentOf(rule: Rule): { lane: Lane; terms: Terms; drops: boolean } {
  const { expiry, whenFull, durability } = rule;
  return {
    lane: rule.priority === "high" ? 1 : 0,
    terms: {
      rule: localFilter(rule),
      ...(expiry === undefined ? {} : { expiry }),
      ...(whenFull === undefined ? {} : { whenFull }),
      ...(durability === undefined ? {} : { durability }),
    },
    drops: rule.qos0 === "drop",
  };
}

/** Undefined where the topic has no name on the other side: `weir/#` takes `weir` as well, which has no prefix to replace. */
function remap(message: Message, topic: string | undefined, { qos: cap, retain }: Rule): Message | undefined {
  if (topic === undefined) return undefined;
  const qos = cap !== undefined && cap < message.qos ? cap : message.qos;
  return { ...message, topic, qos, retain: message.retain && retain === "keep" };
}
