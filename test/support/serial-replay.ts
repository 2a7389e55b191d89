import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { SerialPort } from "serialport";

/** The device's end of a wire. */
export interface FarEnd {
  /** Sends bytes as they are; resolves when the wire has taken them. */
  send(bytes: Uint8Array): Promise<void>;
  /** All that came from the gateway so far. */
  readonly received: Buffer;
  /** Resolves when as many bytes came. */
  receive(count: number): Promise<Buffer>;
  /** Answers what comes: called with every piece as the wire cut it. */
  answer(reply: (piece: Buffer) => Uint8Array | undefined): void;
  close(): Promise<void>;
}

/** Opens the far end of a pair, or of a null-modem cable. */
export async function openFarEnd(path: string, baudRate = 115_200): Promise<FarEnd> {
  const port = new SerialPort({ path, baudRate, autoOpen: false });
  let received = Buffer.alloc(0);
  let reply: (piece: Buffer) => Uint8Array | undefined = () => undefined;
  const watchers = new Set<() => void>();
  // The wire may be pulled while a test still holds this end.
  port.on("error", () => {});
  port.on("data", (piece: Buffer) => {
    received = Buffer.concat([received, piece]);
    for (const watcher of [...watchers]) watcher();
    const bytes = reply(piece);
    if (bytes !== undefined) port.write(Buffer.from(bytes));
  });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        port.write(Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
      }),
    get received() {
      return received;
    },
    receive: (count) =>
      new Promise((resolve) => {
        const watcher = () => {
          if (received.length < count) return;
          watchers.delete(watcher);
          resolve(received.subarray(0, count));
        };
        watchers.add(watcher);
        watcher();
      }),
    answer: (given) => {
      reply = given;
    },
    close: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
  };
}

export interface ReplayOptions {
  /** How many bytes are sent at once, or "whole". 32 if left out, so that no frame comes in one piece. */
  readonly split?: number | "whole";
  /** Keeps the pace of a line of this speed, 10 bits a byte. As fast as the wire takes them if left out. */
  readonly pace?: number;
  /** How often all is sent. 1 if left out. */
  readonly loop?: number;
  /** For each byte, how likely a random one is put before it. */
  readonly noise?: number;
  /** For each byte, how likely it is lost. */
  readonly drop?: number;
  /** Of the random numbers, so that a run can be repeated. 1 if left out. */
  readonly seed?: number;
  /** Called after the last byte: pulls the plug. */
  readonly hangUp?: () => Promise<void>;
}

/** Plays bytes into the far end. Gives how many were sent, noise and drops included. */
export async function replay(far: FarEnd, bytes: Uint8Array, options: ReplayOptions = {}): Promise<number> {
  const { split = 32, pace, loop = 1, hangUp } = options;
  const size = split === "whole" ? Math.max(1, bytes.length) : split;
  const damage = damager(options);
  const start = performance.now();
  let sent = 0;
  for (let round = 0; round < loop; round += 1) {
    for (let at = 0; at < bytes.length; at += size) {
      const piece = damage(bytes.subarray(at, at + size));
      await far.send(piece);
      sent += piece.length;
      const early = pace === undefined ? 0 : start + (sent * 10_000) / pace - performance.now();
      if (early > 0) await sleep(early);
    }
  }
  await hangUp?.();
  return sent;
}

/** Adds noise and loses bytes, the same ones for the same seed. */
export function damager(options: Pick<ReplayOptions, "noise" | "drop" | "seed">): (bytes: Uint8Array) => Uint8Array {
  const { noise = 0, drop = 0, seed = 1 } = options;
  const random = xorshift32(seed);
  return (bytes) => {
    const out: number[] = [];
    for (const byte of bytes) {
      if (random() < noise) out.push(Math.floor(random() * 256));
      if (random() >= drop) out.push(byte);
    }
    return Uint8Array.from(out);
  };
}

/** A small seeded generator, uniform over [0, 1): Marsaglia's xorshift with 32 bits of state. */
function xorshift32(seed: number): () => number {
  // Its state must not be zero, and small seeds shall not give small first numbers.
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A recording as the bytes of the wire: `.hex` is text, and in a gpsd `.log` the lines that begin with # are notes. */
export async function recording(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file);
  if (file.endsWith(".hex")) return Buffer.from(bytes.toString("latin1").replace(/\s+/g, ""), "hex");
  if (!file.endsWith(".log")) return bytes;
  const lines = bytes.toString("latin1").split(/(?<=\n)/);
  return Buffer.from(lines.filter((line) => !line.startsWith("#")).join(""), "latin1");
}
