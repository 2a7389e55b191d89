/** Something worth knowing that happened while running. One call makes the counter and the log line, so that neither lies. */
export interface Entry {
  readonly level: "debug" | "info" | "warn" | "error";
  /** A fixed name in lower snake case: the counter's name, and what to search for (`serial_discarded`). */
  readonly event: string;
  /** The device, link, bridge or listener it is about. */
  readonly at: string;
  /** One sentence for a person: what, and what to do where that is not plain. */
  readonly message: string;
  /** How much it counts for: bytes discarded, messages dropped. 1 if left out. */
  readonly count?: number;
  /** Splits the counter (`checksum`, `too_long`). A fixed, small set of words: never text from a wire. */
  readonly reason?: string;
}

/** Counts every entry; logs it unless the same event at the same place was logged a moment ago. */
export type Journal = (entry: Entry) => void;
