import type { Entry, Journal } from "../../core/journal.js";

/** What the store says: one call makes the line and the counter. */
export interface SessionReport {
  unreadable(why: string): void;
  /** What was stored belongs to other outboxes. */
  isVoid(): void;
  faultBegan(what: string): void;
  faultEnded(): void;
}

export function sessionReport(id: string, path: string, journal: Journal): SessionReport {
  const note = (level: Entry["level"], event: string, message: string): void =>
    journal({ level, event, at: `bridge ${id}`, message });
  return {
    unreadable: (why) => {
      const message = `${path} cannot be read: ${why}; the session is begun anew, and what was on its way may arrive twice`;
      note("error", "bridge_session_unreadable", message);
    },
    isVoid: () =>
      note("warn", "bridge_session_void", `${path} belongs to an outbox that is gone: the session is begun anew`),
    faultBegan: (what) => {
      const message = `${path} cannot be written: ${what}; after a crash, messages of QoS 2 may arrive twice until it can`;
      note("error", "bridge_session_unavailable", message);
    },
    faultEnded: () => note("info", "bridge_session_available", `${path} can be written again`),
  };
}
