import type { Qos } from "../core/message.js";

/** What is set for single clients: `broker.clients` of the configuration. */
export interface ClientPolicy {
  /** Of what it publishes: lifted to the least, cut to the most. */
  readonly publishQos: { readonly least: Qos; readonly most: Qos };
  /** Of what it gets: cut to the most. */
  readonly deliverQos: { readonly most: Qos };
  /** Messages a second that it may publish; what comes faster is read later. Undefined: any. */
  readonly rate: number | undefined;
}
