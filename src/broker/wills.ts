import { messageOf } from "../core/errors.js";
import type { Identity } from "./access/access.js";
import type { Core } from "./core.js";
import type { Publication } from "./publication.js";
import type { StoredWill } from "./store/store.js";

type Parts = Pick<Core, "access" | "admit" | "publish" | "pressure" | "journal" | "now">;

/** Publishes wills, as their clients would have: asked for permission, admitted, routed. Nobody waits for it. */
export function willPublisher({ access, admit, publish, pressure, journal, now }: Parts) {
  return (identity: Identity, will: StoredWill): void => {
    const publication = due(will, now());
    const { topic } = publication;
    // Permissions may have changed since it was left.
    if (!access.may(identity, "publish", topic)) return;
    const route = (): void => {
      publish(publication);
      pressure.forget();
    };
    const refused = (error: unknown): void => {
      const message = `the will of client ${identity.clientId} to ${topic} was refused: ${messageOf(error)}`;
      journal({ level: "warn", event: "publish_refused", at: "broker", message });
    };
    const admission = admit(publication, identity.clientId);
    if (admission === undefined) route();
    else admission.then(route, refused);
  };
}

/** The will as it is published now: its life begins (MQTT 5 3.1.3.2.4). */
function due({ publication }: StoredWill, now: number): Publication {
  const { messageExpiry } = publication;
  return messageExpiry === undefined ? publication : { ...publication, messageExpiry: now + messageExpiry };
}
