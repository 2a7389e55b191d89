import type { SerialPort, SerialPortMock } from "serialport";
import { messageOf, WeirError } from "../../src/core/errors.js";
import type { SerialLine } from "../../src/profile/index.js";
import { identify, watchPresence } from "./presence.js";

/** What comes from an open port. Neither may throw. */
export interface PortEvents {
  readonly data: (chunk: Uint8Array) => void;
  /** The port is of no use any more: unplugged, failed, or it takes no bytes. Called once at most, and not after `close`. */
  readonly lost: (why: WeirError) => void;
}

/** An open port. */
export interface Port {
  /** Resolves when the bytes have left the machine. Rejects with PORT_FAILED. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stops `data` until `resume`; the system's own buffer takes what comes meanwhile, as far as it reaches. */
  pause(): void;
  resume(): void;
  /** Throws away what was not sent and frees the port. Never rejects; ends within a bounded time. */
  close(): Promise<void>;
}

/**
 * Opens a port. Rejects with PORT_NOT_FOUND, PORT_BUSY, PORT_DENIED or PORT_FAILED, or with CLOSED once `signal` is aborted.
 * The seam of this adapter: whoever has no port gives `serialAdapter` another one of these.
 */
export type OpenPort = (path: string, line: SerialLine, events: PortEvents, signal: AbortSignal) => Promise<Port>;

/** serialport's stream, over the real binding or over its mock. */
type Stream = SerialPort | SerialPortMock;
export type StreamOptions = SerialLine & { path: string; autoOpen: false; highWaterMark: number };

/** Bytes read ahead while the readings before them wait, in bytes. Twice what Linux keeps of a tty. */
const READ_AHEAD = 8_192;
/** How long a close may take, in ms: some drivers wait for bytes that a stopped device never takes. */
const CLOSE_LIMIT = 2_000;
/** How long a write may take beyond the time its bits need on the line, in ms. */
const WRITE_LIMIT = 5_000;

/** The ports of this machine. serialport is loaded with the first port: its binding is native code. */
export const openSystemPort: OpenPort = async (path, line, events, signal) => {
  // A Windows port (COM3) is no file that could be looked at; there serialport reports an unplug itself.
  if (process.platform === "win32") return openStream(await createSystemStream(path, line), events, signal);
  const identity = await identify(path);
  let endWatch = () => {};
  let told = false;
  const watched: PortEvents = {
    data: events.data,
    lost: (why) => {
      endWatch();
      if (told) return;
      told = true;
      events.lost(why);
    },
  };
  const port = await openStream(await createSystemStream(path, line), watched, signal);
  endWatch = watchPresence(path, identity, watched.lost);
  return {
    ...port,
    close: () => {
      endWatch();
      return port.close();
    },
  };
};

async function createSystemStream(path: string, line: SerialLine): Promise<Stream> {
  const { SerialPort: Port } = await import("serialport");
  return new Port(streamOptions(path, line));
}

export function streamOptions(path: string, line: SerialLine): StreamOptions {
  const { baudRate, dataBits, parity, stopBits } = line;
  return { path, baudRate, dataBits, parity, stopBits, autoOpen: false, highWaterMark: READ_AHEAD };
}

/** Opens one of serialport's streams, which must not be open yet. */
export async function openStream(stream: Stream, events: PortEvents, signal: AbortSignal): Promise<Port> {
  // From now to the end of the stream: an error event that nobody listens to would end the process.
  stream.on("error", (error: Error) => lose(messageOf(error)));
  let over = true;
  let writing: Promise<void> = Promise.resolve();

  function lose(what: string): WeirError {
    const why = new WeirError("PORT_FAILED", `${stream.path} failed: ${what}`);
    if (!over) events.lost(why);
    over = true;
    return why;
  }

  await openWithin(stream, signal);
  over = false;
  stream.on("close", () => lose("it was unplugged or closed"));
  stream.on("end", () => lose("it ended"));
  stream.on("data", (chunk: Buffer) => {
    if (!over) events.data(chunk);
  });

  return {
    write: (bytes) => {
      writing = send(stream, bytes).catch((error: unknown) => {
        throw lose(messageOf(error));
      });
      return writing;
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: async () => {
      over = true;
      // What was sent last may still be on its way: it gets a moment, then it is thrown away.
      await within(CLOSE_LIMIT / 2, Promise.allSettled([writing]));
      await closeStream(stream);
    },
  };
}

function openWithin(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new WeirError("CLOSED", `${stream.path} was not opened: the gateway gave up`));
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    stream.open((error) => {
      signal.removeEventListener("abort", giveUp);
      if (error) return reject(openError(stream.path, error));
      // Nobody waits for it any more.
      if (signal.aborted) return void closeStream(stream);
      resolve();
    });
  });
}

/** The binding gives the system's own words only. */
function openError(path: string, error: Error): WeirError {
  const text = messageOf(error).replace(/^Error:? /, "");
  const options = { cause: error };
  if (/no such (file|device)/i.test(text)) return new WeirError("PORT_NOT_FOUND", `there is no ${path}`, options);
  if (/cannot lock|is locked|temporarily unavailable|busy/i.test(text)) {
    return new WeirError("PORT_BUSY", `${path} is in use by another program`, options);
  }
  if (/permission denied|access denied/i.test(text)) {
    return new WeirError("PORT_DENIED", `${path} may not be opened by this user`, options);
  }
  return new WeirError("PORT_FAILED", `${path} cannot be opened: ${text}`, options);
}

async function send(stream: Stream, bytes: Uint8Array): Promise<void> {
  // A character has 12 bits at most: start, 8 data, parity, 2 stop.
  const onTheLine = (bytes.length * 12 * 1000) / stream.baudRate;
  const sent = new Promise<true>((resolve, reject) => {
    if (!stream.isOpen) return reject(new Error("it is closed"));
    stream.write(Buffer.from(bytes), (error) => {
      if (error) return reject(error);
      // After a close `drain` would wait for the next open.
      if (!stream.isOpen) return reject(new Error("it was closed"));
      stream.drain((problem) => (problem ? reject(problem) : resolve(true)));
    });
  });
  if (!(await within(onTheLine * 2 + WRITE_LIMIT, sent))) throw new Error("it takes no bytes");
}

async function closeStream(stream: Stream): Promise<void> {
  if (!stream.isOpen) return;
  const flushed = new Promise<void>((resolve) => stream.flush(() => resolve()));
  await within(CLOSE_LIMIT / 4, flushed);
  if (!stream.isOpen) return;
  const closed = new Promise<void>((resolve) => stream.close(() => resolve()));
  await within(CLOSE_LIMIT, closed);
}

/** What a promise gives, or undefined when it has not after `limit` ms. */
async function within<Value>(limit: number, promise: Promise<Value>): Promise<Value | undefined> {
  let timeout: NodeJS.Timeout | undefined;
  const expired = new Promise<undefined>((resolve) => {
    timeout = setTimeout(resolve, limit, undefined);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timeout);
  }
}
