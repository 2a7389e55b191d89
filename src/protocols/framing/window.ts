import type { DiscardReason, FrameCheck, Framer, FramerOutput } from "./framer.js";
import { Outputs } from "./outputs.js";

/**
 * The bytes that are not decided yet. Offsets count from its first byte, the head.
 *
 * The buffer holds twice the bound, so that bytes are moved to its front at most once for every `bound` bytes that came:
 * a fixed cost a byte, however small the chunks.
 */
export class Window {
  readonly bound: number;
  readonly #bytes: Buffer;
  readonly #outputs: Outputs;
  #head = 0;
  #tail = 0;

  constructor(bound: number, outputs: Outputs) {
    this.bound = bound;
    // Not from Buffer's shared pool: this buffer lives as long as its port.
    this.#bytes = Buffer.from(new ArrayBuffer(2 * bound));
    this.#outputs = outputs;
  }

  get length(): number {
    return this.#tail - this.#head;
  }

  /** Takes as much of `chunk` from `offset` on as the bound allows, and says how much that was. */
  fill(chunk: Uint8Array, offset: number): number {
    const size = Math.min(this.bound - this.length, chunk.length - offset);
    if (this.#tail + size > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    this.#bytes.set(chunk.subarray(offset, offset + size), this.#tail);
    this.#tail += size;
    return size;
  }

  /** The byte at an offset below `length`. */
  at(offset: number): number {
    return this.#bytes[this.#head + offset] ?? 0;
  }

  /** True where `word` stands at `offset`, whole. */
  has(word: Uint8Array, offset: number): boolean {
    if (offset + word.length > this.length) return false;
    for (let index = 0; index < word.length; index += 1) {
      if (this.#bytes[this.#head + offset + index] !== word[index]) return false;
    }
    return true;
  }

  /**
   * The first offset in [from, to] where `word` begins, or may turn out to begin once more bytes follow `to`.
   * It is there in full where that offset + the word's length is at most `to`.
   */
  find(word: Uint8Array, from: number, to: number): number {
    const bytes = this.#bytes;
    const first = word[0];
    const end = this.#head + to;
    for (let start = this.#head + from; start < end; start += 1) {
      if (bytes[start] !== first) continue;
      const known = Math.min(word.length, end - start);
      let index = 1;
      while (index < known && bytes[start + index] === word[index]) index += 1;
      if (index === known) return start - this.#head;
    }
    return to;
  }

  /** A view that holds until the next `fill`. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#head + from, this.#head + to);
  }

  /** One character a byte, U+0000 to U+00FF. */
  text(from: number, to: number): string {
    return this.#bytes.toString("latin1", this.#head + from, this.#head + to);
  }

  discard(reason: DiscardReason, size: number): void {
    this.#outputs.discard(reason, size);
    this.#head += size;
  }

  /** Takes `size` bytes off the head, of which the first `length` are the frame; the rest is its delimiter. */
  emit(length: number, size: number): void {
    // The copy has a buffer of exactly its size: whoever keeps the frame keeps nothing else alive.
    this.#outputs.frame(new Uint8Array(this.view(0, length)), size);
    this.#head += size;
  }
}

/** What tells one framing from another: where in the window a frame begins and ends. */
export interface Cutter {
  /**
   * Decides about the head of the window: discards bytes, emits a frame, or notes how far it searched in vain.
   * Returns false where it cannot go on without more bytes, and never leaves the window full then.
   * It must decide the same whatever follows the bytes it looked at, or the splitting of chunks would show.
   */
  step(window: Window): boolean;
  /** The stream ended: why what is pending is thrown away. Forgets everything. */
  end(): DiscardReason;
}

/** True with `start` at the head in full. What cannot belong to it is discarded as noise. */
export function seekStart(window: Window, start: Uint8Array): boolean {
  const offset = window.find(start, 0, window.length);
  if (offset > 0) window.discard("noise", offset);
  return window.length >= start.length;
}

export function passes(check: FrameCheck | undefined, window: Window, length: number): boolean {
  return check === undefined || check(window.view(0, length));
}

/** A framer that is driven by bytes alone. `bound`: how many bytes the cutter needs at most to decide. */
export function windowFramer(bound: number, cutter: Cutter): Framer {
  const outputs = new Outputs();
  const window = new Window(bound, outputs);
  return {
    push(chunk) {
      let offset = 0;
      while (offset < chunk.length) {
        offset += window.fill(chunk, offset);
        while (window.length > 0 && cutter.step(window)) {
          // each step takes bytes off the window or searches on
        }
      }
      return outputs.take();
    },
    deadline: undefined,
    tick: (): FramerOutput[] => [],
    end() {
      window.discard(cutter.end(), window.length);
      return outputs.take();
    },
    get pending() {
      return window.length;
    },
  };
}
