import { attempt, type Files, type OpenFile, writeFully } from "../../outbox/log/files.js";
import { encodeHeader, newFile, type StoreFile } from "./file.js";
import { Frames } from "./frames.js";
import { KIND } from "./record.js";
import { piecesOf } from "./segments.js";
import type { LiveSession, LiveState } from "./store.js";

/** Encoded in one turn of the event loop: less than a millisecond of it. */
const SLICE = 64 * 1024;
/** Synced as it grows: at the end all of it at once would hold back every commit on a slow disk. */
const SYNCED = 1024 * 1024;

export interface SnapshotOptions {
  readonly files: Files;
  readonly folder: string;
  readonly live: LiveState;
  /** Asked before each slice: throws where it is not wanted any more. */
  readonly check: () => void;
}

export interface Snapshot {
  readonly file: StoreFile;
  /** What it is called until it counts. */
  readonly part: string;
  /** Entries of queues in it. */
  readonly entries: number;
}

/** Writes a snapshot, a slice at a time, under another name than its own. Resolves once it is on the medium. */
export async function writeSnapshot(options: SnapshotOptions, number: number): Promise<Snapshot> {
  const { files, folder, live, check } = options;
  const file = newFile(folder, "snapshot", number);
  const part = `${file.path}.part`;
  const opened = await files.open(part, "create");
  try {
    const writer = new Writer(opened, file, check);
    await writeFully(opened, encodeHeader(number), 0);
    for (const session of live.sessions()) await writer.session(session);
    for (const publication of live.retained()) {
      writer.frames.retained(publication);
      if (writer.full) await writer.slice();
    }
    writer.frames.end(writer.entries);
    await writer.slice();
    await opened.sync();
    return { file, part, entries: writer.entries };
  } catch (error) {
    await attempt(files.remove(part));
    throw error;
  } finally {
    await attempt(opened.close());
  }
}

class Writer {
  readonly frames = new Frames(new Map());
  entries = 0;
  readonly #opened: OpenFile;
  readonly #file: StoreFile;
  readonly #check: () => void;
  #synced = 0;

  constructor(opened: OpenFile, file: StoreFile, check: () => void) {
    this.#opened = opened;
    this.#file = file;
    this.#check = check;
  }

  get full(): boolean {
    return this.frames.bytes >= SLICE;
  }

  async session(session: LiveSession): Promise<void> {
    const { clientId } = session;
    this.frames.session(clientId, session);
    this.frames.about(KIND.next, clientId, session.nextSequence);
    for (const subscription of session.subscriptions) {
      this.frames.subscription(clientId, subscription);
      if (this.full) await this.slice();
    }
    for (const packetId of session.received) this.frames.about(KIND.received, clientId, packetId);
    for (const entry of session.queue) {
      this.frames.entry(clientId, entry, entry.released);
      this.entries += 1;
      if (this.full) await this.slice();
    }
    if (this.full) await this.slice();
  }

  async slice(): Promise<void> {
    this.#check();
    for (const piece of piecesOf(this.frames.take(), this.#file.salt)) {
      await writeFully(this.#opened, piece, this.#file.bytes);
      this.#file.bytes += piece.length;
    }
    if (this.#file.bytes - this.#synced < SYNCED) return;
    await this.#opened.sync();
    this.#synced = this.#file.bytes;
  }
}
