/**
 * Finds the message that the upstream answers by closing the connection: too large, a topic that it does not take, not allowed.
 * Sent again and again it would block the line for ever (MQTT 3.1.1 has no other way to refuse).
 *
 * A message is under suspicion when the connection ended before anything had come to its end, while it was the first that waited for
 * that. From then on it is sent alone, on a connection that has just proved to work; when that ends in the same way
 * often enough, it is guilty. When it comes to its end, the next one of those that were sent along with it is looked at. Pure.
 */
export class Suspicion {
  #suspect: number | undefined;
  #strikes = 0;

  /** The packet id that has to be sent alone. */
  get suspect(): number | undefined {
    return this.#suspect;
  }

  /** This one is to be sent alone. */
  look(packetId: number): void {
    this.#suspect = packetId;
    this.#strikes = 0;
  }

  /** Something came to its end that was not under suspicion: the line is not blocked. */
  cleared(): void {
    this.#suspect = undefined;
    this.#strikes = 0;
  }

  /**
   * The connection was ended from the far side before anything came to its end; `first` is the packet id that has waited for
   * that the longest, `alone` whether it was the only one that was sent after the connection had proved to work. True: it is guilty.
   */
  ended(first: number | undefined, alone: boolean): boolean {
    if (first === undefined) return false;
    if (first !== this.#suspect) {
      this.look(first);
      return false;
    }
    if (!alone) return false;
    this.#strikes += 1;
    if (this.#strikes < STRIKES) return false;
    this.cleared();
    return true;
  }
}

/** A link that is cut at random hits the same moment so often in a row only by a very long chance. */
const STRIKES = 5;
