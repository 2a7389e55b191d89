import { adapters } from "../../adapters/index.js";
import { WeirError } from "../core/errors.js";
import type { Entry } from "../core/journal.js";
import type { Reading } from "../core/reading.js";
import { superviseLink } from "../link/index.js";
import { loadProfile } from "../profile/index.js";
import { profileFolders } from "./profiles.js";
import { untilSignal } from "./signals.js";

/** `weir read`: what a device says through a profile, without a gateway: for writing a profile and for finding faults. */
export async function read(ref: string | undefined, port: string | undefined): Promise<number> {
  const serial = adapters.find((adapter) => adapter.name === "serial");
  if (ref === undefined || port === undefined || serial === undefined) {
    process.stderr.write("weir read PROFILE --port PATH\n");
    return 2;
  }
  const profile = loadProfile(ref, profileFolders());
  const address = serial.address.safeParse(port);
  if (!address.success) throw new WeirError("PORT_NOT_FOUND", `${port} ${address.error.issues[0]?.message}`);
  const device = { id: profile.name, address: address.data, profile };
  const problem = serial.check({}, [device])[0];
  if (problem !== undefined) throw new WeirError("PROFILE_INVALID", problem.message);
  const stop = new AbortController();
  const links = serial.links({}, [device]).map((link) =>
    superviseLink(link, {
      sink: async (readings) => print(line(readings)),
      // A person who waits for a port needs not hear of every attempt.
      journal: (entry) => entry.level !== "debug" && print(note(entry)),
      now: Date.now,
      signal: stop.signal,
      onState: () => {},
    }),
  );
  await untilSignal();
  stop.abort();
  await Promise.all(links.map((link) => link.close()));
  return 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function line(readings: readonly Reading[]): string {
  const values = readings.map(({ resource, value, unit, quality }) => {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
    return `${resource} ${text}${unit === undefined ? "" : ` ${unit}`}${quality === "good" ? "" : ` (${quality})`}`;
  });
  return `${new Date(readings[0]?.time ?? 0).toISOString()}  ${values.join(", ")}`;
}

/** Not through the journal's rate limit: whoever writes a profile wants to see every frame. */
function note({ level, message, reason }: Entry): string {
  return `${new Date().toISOString()}  ${level}: ${message}${reason === undefined ? "" : ` (${reason})`}`;
}
