import type { Qos } from "../core/message.js";
import { fitsPattern } from "../core/pattern.js";
import type { Identity } from "./access/access.js";

/** What is set for single clients. */
export interface ClientPolicy {
  /** Of what it publishes: lifted to the least, cut to the most. */
  readonly publishQos: { readonly least: Qos; readonly most: Qos };
  /** Of what it gets: cut to the most; `lift`: that of the subscription even where it was published with less. */
  readonly deliverQos: { readonly most: Qos; readonly lift: boolean };
  /** Messages a second that it may publish; what comes faster is read later. Undefined: any. */
  readonly rate?: number | undefined;
}

/** The QoS with which a message is routed that was published with another one. */
export function publishedQos(policy: ClientPolicy | undefined, qos: Qos): Qos {
  if (policy === undefined) return qos;
  const { least, most } = policy.publishQos;
  return qos < least ? least : qos > most ? most : qos;
}

/** Patterns: `*` stands for any text. */
export interface PolicyRule extends ClientPolicy {
  readonly client?: string | undefined;
  readonly user?: string | undefined;
}

/** The first rule that fits. */
export function policies(rules: readonly PolicyRule[]): (identity: Identity) => ClientPolicy | undefined {
  return ({ clientId, user }) =>
    rules.find(
      (rule) =>
        (rule.client === undefined || fitsPattern(rule.client, clientId)) &&
        (rule.user === undefined || (user !== undefined && fitsPattern(rule.user, user))),
    );
}
