import type { Message, Qos } from "../core/message.js";
import { matches } from "../core/topics.js";

/**
 * One line of what a bridge carries, on the model of mosquitto's `topic` lines. Out: a local topic that matches
 * `localPrefix + filter` goes up with `localPrefix` replaced by `remotePrefix`. In: the reverse.
 */
export interface Rule {
  readonly direction: "out" | "in";
  readonly filter: string;
  readonly localPrefix: string;
  readonly remotePrefix: string;
  /** A cap: a message's own QoS is lowered to it, never raised. */
  readonly qos?: Qos | undefined;
}

export interface Routes {
  /** The message as the upstream gets it, or undefined where no rule takes it. */
  up(message: Message): Message | undefined;
  /** The message as the gateway gets it, or undefined where no rule brings it. */
  down(message: Message): Message | undefined;
  /** What to subscribe to at the upstream. */
  readonly subscriptions: readonly { readonly filter: string; readonly qos: Qos }[];
}

/** The first rule that matches decides. */
export function routes(rules: readonly Rule[]): Routes {
  const out = rules.filter((rule) => rule.direction === "out");
  const into = rules.filter((rule) => rule.direction === "in");
  /** What an "in" rule would bring back down must not go up: a local command would come back and run twice. */
  const comesDown = (topic: string): boolean => into.some((rule) => matches(rule.localPrefix + rule.filter, topic));
  return {
    up: (message) => {
      if (comesDown(message.topic)) return undefined;
      const rule = out.find((r) => matches(r.localPrefix + r.filter, message.topic));
      return rule && remap(message, rule.localPrefix, rule.remotePrefix, rule.qos);
    },
    down: (message) => {
      const rule = into.find((r) => matches(r.remotePrefix + r.filter, message.topic));
      return rule && remap(message, rule.remotePrefix, rule.localPrefix, rule.qos);
    },
    subscriptions: into.map((rule) => ({ filter: rule.remotePrefix + rule.filter, qos: rule.qos ?? 1 })),
  };
}

function remap(message: Message, from: string, to: string, cap: Qos | undefined): Message {
  const qos = cap !== undefined && cap < message.qos ? cap : message.qos;
  return { ...message, topic: to + message.topic.slice(from.length), qos };
}
