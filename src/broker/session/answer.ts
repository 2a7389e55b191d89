import type { Link } from "./delivery.js";
import type { Answered, Outgoing } from "./outgoing.js";

export type { Answered } from "./outgoing.js";

/** What a client says to a QoS 1 or 2 message that it got (MQTT 4.3.2, 4.3.3). */
export function answer(
  outgoing: Outgoing,
  kind: "puback" | "pubrec" | "pubcomp",
  { packetId, reasonCode }: { readonly packetId: number; readonly reasonCode: number },
  link: Link,
): Answered {
  if (kind === "puback") return outgoing.acknowledged(packetId, 1);
  if (kind === "pubcomp") return outgoing.completed(packetId);
  // A PUBREC that refuses ends it (MQTT 5 4.3.3).
  if (reasonCode >= 0x80) return outgoing.acknowledged(packetId, 2);
  const answered = outgoing.received(packetId);
  // So that the client gets rid of it, whatever it was.
  if (answered === "unknown") link.pubrel(packetId);
  return answered;
}
