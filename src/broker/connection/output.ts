import type { Duplex } from "node:stream";
import { PacketWriter, type ProtocolVersion } from "../../protocols/mqtt/index.js";
import type { Stats } from "../stats.js";

/** Bytes: more than this not yet taken by the system, and publishers wait. */
const HIGH = 256 * 1024;
const LOW = 64 * 1024;

/**
 * Writes what all connections got in one turn of the event loop at its end: one write a socket, however many packets.
 * A write is a system call, which costs more than all else that is done for a small message.
 */
export class Flusher {
  #dirty: Output[] = [];
  readonly #run = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const output of dirty) output.flush();
  };

  add(output: Output): void {
    if (this.#dirty.push(output) === 1) setImmediate(this.#run);
  }
}

/** What goes out on one connection. */
export class Output {
  readonly #socket: Duplex;
  readonly #flusher: Flusher;
  readonly #writer: PacketWriter;
  readonly #stats: Stats;
  #dirty = false;

  constructor(socket: Duplex, flusher: Flusher, stats: Stats) {
    this.#socket = socket;
    this.#flusher = flusher;
    this.#stats = stats;
    this.#writer = new PacketWriter(4);
  }

  set version(version: ProtocolVersion) {
    this.#writer.version = version;
  }

  /** For one packet, which goes out with all others of this turn. */
  get packets(): PacketWriter {
    this.#stats.messagesSent++;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#flusher.add(this);
    }
    return this.#writer;
  }

  /** Whether so much waits that it is better to wait with more. */
  get full(): boolean {
    return this.size > HIGH;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#writer.length + this.#socket.writableLength;
  }

  /** Whether so little waits that more may come. */
  get low(): boolean {
    return this.size < LOW;
  }

  flush(): void {
    this.#dirty = false;
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    this.#stats.bytesSent += this.#writer.length;
    const chunks = this.#writer.take();
    const [only] = chunks;
    if (only === undefined) return;
    if (chunks.length === 1) {
      socket.write(only);
      return;
    }
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.uncork();
  }
}
