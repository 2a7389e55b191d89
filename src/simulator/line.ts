/** A serial line as the device at its end sees it. */
export interface ByteLine {
  /** Resolves when the line took the bytes; rejects when the line is of no use any more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Who is told of what comes in: one listener, which must not throw. */
  onData(hear: (bytes: Uint8Array) => void): void;
  /** Never rejects. */
  close(): Promise<void>;
}
