import { stat } from "node:fs/promises";
import { messageOf, WeirError } from "../../src/core/errors.js";

/** How often the device's file is looked at, in ms. */
const LOOK_EVERY = 1_000;

/**
 * Which device a path leads to now: another device, or the same one plugged in again, gives another text.
 * Links are followed, so a by-id name that was pointed elsewhere is noticed as well.
 * Throws PORT_NOT_FOUND where there is none, PORT_FAILED where it is no serial port.
 */
export async function identify(path: string): Promise<string> {
  let found: Awaited<ReturnType<typeof statBig>>;
  try {
    found = await statBig(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENODEV") {
      throw new WeirError("PORT_NOT_FOUND", `there is no ${path}`, { cause: error });
    }
    throw new WeirError("PORT_FAILED", `${path} cannot be looked at: ${messageOf(error)}`, { cause: error });
  }
  if (!found.isCharacterDevice()) throw new WeirError("PORT_FAILED", `${path} is not a serial port`);
  return `${found.dev}:${found.ino}:${found.rdev}`;
}

function statBig(path: string) {
  return stat(path, { bigint: true });
}

/**
 * Looks every second whether the path still leads to the device that was opened. serialport does not report every unplug:
 * a port whose peer vanished may stay open until the next write. Calls `gone` once at most. Returns what ends the watch.
 */
export function watchPresence(path: string, identity: string, gone: (why: WeirError) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const end = () => {
    ended = true;
    clearTimeout(timer);
  };
  const look = async () => {
    let why: WeirError | undefined;
    try {
      if ((await identify(path)) !== identity)
        why = new WeirError("PORT_FAILED", `${path} was unplugged and plugged in again`);
    } catch {
      // Whatever keeps us from seeing the device, for the session it is no longer there: the next open tells why.
      why = new WeirError("PORT_FAILED", `${path} was unplugged`);
    }
    if (ended) return;
    if (why === undefined) schedule();
    else {
      end();
      gone(why);
    }
  };
  // The next look is set only after the last one ended, so that a hanging file system gathers no heap of them.
  const schedule = () => {
    timer = setTimeout(() => void look(), LOOK_EVERY);
  };
  schedule();
  return end;
}
