import type { DiscardReason, FramerOutput } from "./framer.js";

/** Collects what one call of a framer yields. Discards of one reason in a row become one, so that noise makes no garbage. */
export class Outputs {
  #outputs: FramerOutput[] = [];
  #reason: DiscardReason = "noise";
  #size = 0;

  /** `bytes` must be the receiver's to keep. `size` in bytes of the stream. */
  frame(bytes: Uint8Array, size: number): void {
    this.#close();
    this.#outputs.push({ kind: "frame", bytes, size });
  }

  discard(reason: DiscardReason, size: number): void {
    if (size === 0) return;
    if (reason !== this.#reason) this.#close();
    this.#reason = reason;
    this.#size += size;
  }

  /** Everything since the last call. */
  take(): FramerOutput[] {
    this.#close();
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #close(): void {
    if (this.#size > 0) this.#outputs.push({ kind: "discard", reason: this.#reason, size: this.#size });
    this.#size = 0;
  }
}
