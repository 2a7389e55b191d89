import type { Command } from "../../../../src/core/command.js";
import type { Entry } from "../../../../src/core/journal.js";
import { type CommandLog, type CommandLogOptions, openCommandLog } from "../../../../src/router/index.js";
import { Disk } from "../../outbox/log/disk.js";

export interface Opened {
  readonly log: CommandLog;
  readonly journal: Entry[];
  readonly disk: Disk;
}

/** A log on a simulated disk, with banks so small that they are soon full. */
export async function open(disk = new Disk(), options: Partial<CommandLogOptions> = {}): Promise<Opened> {
  const journal: Entry[] = [];
  const log = await openCommandLog({
    folder: "/commands",
    ticks: () => 0,
    retry: 1,
    bankBytes: 4096,
    journal: (entry) => journal.push(entry),
    files: disk.files(),
    ...options,
  });
  return { log, journal, disk };
}

export function events(journal: readonly Entry[]): string[] {
  return journal.map(({ event }) => event);
}

export function command(id: string, more: Partial<Command> = {}): Command {
  return { id, device: "air", resource: "fan", action: "write", value: 1, deadline: 10_000, ...more };
}

/** From the first note to the last one. */
export async function live(log: CommandLog, id: string): Promise<void> {
  await log.begun(command(id), "c");
  await log.ended(command(id), "c", { ok: true, value: id });
  log.told("air", id);
}
