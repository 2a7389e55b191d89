import { messageOf } from "../../core/errors.js";
import { didYouMean } from "../../core/near.js";
import type { Profile } from "../profile.js";
import type { Path } from "../source.js";

/** Told about every problem. With `key` it is the key of the path that is wrong, not its value. */
export type Report = (path: Path, message: string, where?: "key") => void;

/** Whether something goes; its error is a problem at the path otherwise. */
export function goes(report: Report, path: Path, attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    report(path, messageOf(error));
    return false;
  }
}

/** Reports a key that should be the name of a resource. */
export function knowsResource(profile: Profile, report: Report, path: Path, name: string): boolean {
  if (profile.resources.has(name)) return true;
  report(path, `no resource is called ${name}${didYouMean(name, profile.resources.keys())}`, "key");
  return false;
}

/** Reports the names among the answers of a poll or a command that are no messages. */
export function knowsAnswers(profile: Profile, report: Report, path: Path, answers: readonly string[]): void {
  for (const [index, name] of answers.entries()) {
    // A single one may stand there without a list around it.
    knowsMessage(profile, report, answers.length === 1 ? path : [...path, index], name);
  }
}

/** Reports a value that should be the name of a message. */
export function knowsMessage(profile: Profile, report: Report, path: Path, name: string): boolean {
  const messages = Object.keys(profile.serial?.messages ?? {});
  if (messages.includes(name)) return true;
  report(path, `no message is called ${name}${didYouMean(name, messages)}`);
  return false;
}
