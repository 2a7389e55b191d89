import type { Message, Qos } from "../core/message.js";
import { localFilter, matches, remoteFilter, toLocal, toRemote } from "../core/topics.js";

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
  const comesDown = (topic: string): boolean => into.some((rule) => matches(localFilter(rule), topic));
  return {
    up: (message) => {
      if (comesDown(message.topic)) return undefined;
      const rule = out.find((r) => matches(localFilter(r), message.topic));
      return rule && remap(message, toRemote(rule, message.topic), rule.qos);
    },
    down: (message) => {
      const rule = into.find((r) => matches(remoteFilter(r), message.topic));
      return rule && remap(message, toLocal(rule, message.topic), rule.qos);
    },
    subscriptions: into.map((rule) => ({ filter: remoteFilter(rule), qos: rule.qos ?? 1 })),
  };
}

/** Undefined where the topic has no name on the other side: `weir/#` takes `weir` as well, which has no prefix to replace. */
function remap(message: Message, topic: string | undefined, cap: Qos | undefined): Message | undefined {
  if (topic === undefined) return undefined;
  const qos = cap !== undefined && cap < message.qos ? cap : message.qos;
  return { ...message, topic, qos };
}
