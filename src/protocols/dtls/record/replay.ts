/** Bits of the window: what came more than this many records ago is too old (RFC 6347 4.1.2.6). */
const WINDOW = 64;
const HALF = 32;

/**
 * Which records came already. Sequence numbers have 48 bits, so that they are subtracted and compared as numbers; only what is left, at most 64,
 * is used for bits. `has` is asked before a record is authenticated, `add` is called after it: forged numbers move nothing.
 */
export class ReplayWindow {
  #highest = -1;
  /** Bit n of the two together: whether `highest - n` came. */
  #low = 0;
  #high = 0;

  /** Whether it came before, or came so late that nobody knows. */
  has(sequence: number): boolean {
    const age = this.#highest - sequence;
    if (age < 0) return false;
    if (age >= WINDOW) return true;
    return age < HALF ? ((this.#low >>> age) & 1) === 1 : ((this.#high >>> (age - HALF)) & 1) === 1;
  }

  /** True where it is the newest of all so far. Only for one that `has` does not know. */
  add(sequence: number): boolean {
    const ahead = sequence - this.#highest;
    if (ahead > 0) {
      this.#shift(ahead);
      this.#low |= 1;
      this.#highest = sequence;
      return true;
    }
    const age = -ahead;
    if (age < HALF) this.#low |= 1 << age;
    else if (age < WINDOW) this.#high |= 1 << (age - HALF);
    return false;
  }

  #shift(by: number): void {
    if (by >= WINDOW) {
      this.#low = 0;
      this.#high = 0;
    } else if (by >= HALF) {
      this.#high = this.#low << (by - HALF);
      this.#low = 0;
    } else {
      this.#high = (this.#high << by) | (this.#low >>> (HALF - by));
      this.#low <<= by;
    }
  }
}
