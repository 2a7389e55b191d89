import { type Flight, flightDatagrams } from "./handshake/flight.js";
import type { EpochKeys } from "./handshake/handshake.js";
import { type Opened, Opener, type PlaintextWriter, Sealer, type WireRecord } from "./record/index.js";

/** The epochs of a connection: 0 in the clear, 1 with its keys. There is no other without a renegotiation. */
export class Epochs {
  readonly #clear: PlaintextWriter;
  #opener: Opener | undefined;
  #sealer: Sealer | undefined;
  /** Our change_cipher_spec is sent. */
  #sealing = false;

  constructor(clear: PlaintextWriter) {
    this.#clear = clear;
  }

  /** There are keys. */
  get keyed(): boolean {
    return this.#opener !== undefined;
  }

  /** No record may be written, or opened, any more: the connection must end. */
  get exhausted(): boolean {
    if (this.#opener?.exhausted === true || this.#sealer?.exhausted === true) return true;
    // A server's numbers begin where its client's choice was.
    return !this.#sealing && this.#clear.exhausted;
  }

  install({ suite, read, write, ownCid, peerCid }: EpochKeys): void {
    this.#opener = new Opener(suite, read, 1, ownCid);
    this.#sealer = new Sealer(suite, write, 1, peerCid);
  }

  /** A record of epoch 1. Undefined: there are no keys. */
  open(record: WireRecord): Opened | undefined {
    return this.#opener?.open(record);
  }

  /** A flight with new record numbers. */
  flight({ parts }: Flight, size: number, maxPlaintext: number): Uint8Array[] {
    const datagrams = flightDatagrams(parts, this.#clear, this.#sealer, size, maxPlaintext);
    if (parts.includes("change_cipher_spec")) this.#sealing = true;
    return datagrams;
  }

  /** One record, in the epoch that we write in. */
  write(type: number, plaintext: Uint8Array): Uint8Array {
    const writer = this.#sealing ? (this.#sealer ?? this.#clear) : this.#clear;
    return writer.write(type, plaintext);
  }

  /** Overwrites the keys. Nothing is to be written any more. */
  forget(): void {
    this.#opener?.forget();
    this.#sealer?.forget();
  }
}
