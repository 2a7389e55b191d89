import type { Scalar } from "./reading.js";

export type Action = "read" | "write" | "execute";

/** A read, write or execute on its way down to a device. */
export interface Command {
  /** Chosen by whoever asked; the result carries it back. */
  readonly id: string;
  readonly device: string;
  readonly resource: string;
  readonly action: Action;
  /** What to write, or the argument of an execute. */
  readonly value?: Scalar;
  /** ms since the Unix epoch. Past it the command is refused, never run late. */
  readonly deadline: number;
}

export type CommandResult =
  | { readonly ok: true; readonly value?: Scalar }
  | { readonly ok: false; readonly code: string; readonly message: string };
