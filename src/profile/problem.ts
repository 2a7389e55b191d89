import { WeirError } from "../core/errors.js";

/** One mistake in a profile and where it stands. */
export interface ProfileProblem {
  readonly file: string;
  /** From 1; 0 where the file itself is the problem. */
  readonly line: number;
  readonly column: number;
  /** `serial.messages.measurement.binary.pm2_5.at`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** `air.yaml:12:5 serial.framing: must have exactly one of ...` */
export function showProblem({ file, line, column, path, message }: ProfileProblem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return path === "" ? `${place}: ${message}` : `${place} ${path}: ${message}`;
}

/** A profile that cannot be used. It holds every problem that was found, not only the first. */
export class ProfileError extends WeirError {
  readonly problems: readonly ProfileProblem[];
  constructor(problems: readonly ProfileProblem[]) {
    super("PROFILE_INVALID", problems.map(showProblem).join("\n"));
    this.name = "ProfileError";
    this.problems = problems;
  }
}
