import type { Qos } from "../../core/message.js";
import type { SubscribePacket } from "../../protocols/mqtt/index.js";
import type { BridgeReport } from "../report.js";
import { SUBSCRIBE_ID } from "../session/packet-id.js";

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  /** MQTT 5: not what we published ourselves. */
  readonly noLocal: boolean;
}

/** One packet for all. */
export function subscribePacket(version: 4 | 5, subscriptions: readonly Subscription[]): SubscribePacket {
  return {
    kind: "subscribe",
    packetId: SUBSCRIBE_ID,
    subscriptions: subscriptions.map(({ filter, qos, noLocal }) =>
      version === 5
        ? { filter, qos, noLocal, retainAsPublished: true, retainHandling: 0 }
        : { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ),
  };
}

/** Says which of them the upstream does not grant as asked. */
export function tellGranted(
  subscriptions: readonly Subscription[],
  reasonCodes: readonly number[],
  { note }: Pick<BridgeReport, "note">,
): void {
  for (const [index, { filter, qos }] of subscriptions.entries()) {
    const granted = reasonCodes[index] ?? 0x80;
    if (granted >= 0x80) note("warn", "bridge_subscribe_failed", `the upstream refuses a subscription to ${filter}`);
    else if (granted < qos) note("info", "bridge_subscribe_lowered", `${filter} comes with QoS ${granted}, not ${qos}`);
  }
}
