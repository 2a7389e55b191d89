import type { Entry, Journal } from "../../core/journal.js";

/** What the log says: one call makes the line and the counter. */
export interface CommandLogReport {
  damaged(why: string): void;
  faultBegan(what: string): void;
  faultEnded(): void;
}

export function commandLogReport(path: string, journal: Journal): CommandLogReport {
  const note = (level: Entry["level"], event: string, message: string): void =>
    journal({ level, event, at: "commands", message });
  return {
    damaged: (why) => {
      const message = `${path} is damaged: ${why}; what it was is kept as ${path}.corrupt. A command that is sent again may run twice`;
      note("error", "command_log_damaged", message);
    },
    faultBegan: (what) => {
      const message = `${path} cannot be written: ${what}; commands run all the same, and may run twice if the gateway ends before it can`;
      note("error", "command_log_unavailable", message);
    },
    faultEnded: () => note("info", "command_log_available", `${path} can be written again`),
  };
}
