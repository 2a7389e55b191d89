import type { Identity } from "../access/access.js";
import type { Core } from "../core.js";

/** Of a client id, in the log. */
const LOGGED = 80;

/** `reason` splits the counter; `detail` is for the log alone. */
export function tellRefused(
  { journal }: Pick<Core, "journal">,
  { clientId, address }: { readonly clientId: string; readonly address: string },
  reason: string,
  detail: string,
): void {
  const message = `client ${JSON.stringify(clientId.slice(0, LOGGED))} from ${address} was not let in: ${detail}`;
  journal({ level: "warn", event: "client_refused", at: "broker", reason, message });
}

/** Whether another user is connected with its client id. */
export function takenByAnother({ sessions }: Pick<Core, "sessions">, { clientId, user }: Identity): boolean {
  const session = sessions.get(clientId);
  return session?.link !== undefined && session.identity.user !== user;
}

export const TAKEN = "another user is connected with this client id";
