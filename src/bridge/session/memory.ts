import { LiveState } from "./live.js";
import type { SessionStore } from "./session.js";

/** For a bridge that keeps nothing over a restart: after that its outbox is empty too, so there is nothing to know. */
export function memorySessionStore(): SessionStore {
  return {
    recovered: new LiveState().view(true),
    record: () => Promise.resolve(),
    settled: () => undefined,
    close: () => Promise.resolve(),
  };
}
