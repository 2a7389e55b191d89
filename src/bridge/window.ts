import type { Qos } from "../core/message.js";
import type { Entry } from "../outbox/outbox.js";

/**
 * How many QoS 2 messages are on their way at once where the upstream does not say what it takes (MQTT 3.1.1 cannot;
 * MQTT 5 has Receive Maximum). mosquitto takes 20 (`max_inflight_messages`), and its version 2.0.11 acknowledges what
 * comes beyond that and then loses it.
 */
const QOS2_UNASKED = 20;

/** The messages that are on their way unacknowledged, and whether there is room for one more. */
export interface Window {
  readonly size: number;
  /** A connection was made: `receiveMaximum` as the upstream's CONNACK has it. */
  connected(receiveMaximum: number | undefined): void;
  fits(qos: Qos): boolean;
  add(entry: Entry): void;
  remove(entry: Entry): void;
}

export function createWindow(limit: number): Window {
  const onTheWay = { all: 0, exactlyOnce: 0 };
  let all = limit;
  let exactlyOnce = Math.min(limit, QOS2_UNASKED);
  const count = ({ message }: Entry, by: 1 | -1): void => {
    onTheWay.all += by;
    if (message.qos === 2) onTheWay.exactlyOnce += by;
  };
  return {
    get size() {
      return onTheWay.all;
    },
    connected: (receiveMaximum) => {
      all = Math.min(limit, receiveMaximum ?? limit);
      exactlyOnce = Math.min(limit, receiveMaximum ?? QOS2_UNASKED);
    },
    fits: (qos) => onTheWay.all < all && (qos !== 2 || onTheWay.exactlyOnce < exactlyOnce),
    add: (entry) => count(entry, 1),
    remove: (entry) => count(entry, -1),
  };
}
