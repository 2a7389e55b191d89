import { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";

/** A pong waits for a peer that reads; one that only asks must not make them pile up. Bytes. */
const PONG_BOUND = 64 * 1024;
/** Small clients have room for small frames alone: only what is larger by itself makes a larger one. Bytes. */
const FRAME = 16 * 1024;
const NORMAL = 1000;
const UNSUPPORTED_DATA = 1003;

/**
 * The MQTT stream that a WebSocket carries. Where frames begin and end means nothing (MQTT-6.0.0-2), so what is written in one
 * turn goes out as one. Unlike the stream that `ws` makes, it refuses text (MQTT-6.0.0-1).
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  #closing = false;

  constructor(socket: WebSocket) {
    super({ decodeStrings: true });
    this.#socket = socket;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("ping", (data) => {
      if (socket.bufferedAmount < PONG_BOUND) socket.pong(data);
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => {
      // A stream that ended properly is destroyed by itself once it was read to its end.
      if (!this.destroyed) this.push(null);
      if (!this.writableFinished) this.destroy();
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.destroyed || this.readableEnded) return;
    if (!isBinary) {
      this.#closing = true;
      this.#socket.close(UNSUPPORTED_DATA, "binary frames only");
      this.destroy(new Error("a text frame, where MQTT is binary (MQTT-6.0.0-1)"));
      return;
    }
    const chunk = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
    if (!this.push(chunk)) this.#socket.pause();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(chunk, { binary: true }, done);
    else done(new Error("the WebSocket is closed"));
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const frames = gather(chunks.map(({ chunk }) => chunk));
    const last = frames.pop() ?? Buffer.alloc(0);
    for (const frame of frames) this._write(frame, "binary", () => {}); // what fails fails for the last one too
    this._write(last, "binary", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // The close handshake needs what still comes to be read.
    if (this.#socket.isPaused) this.#socket.resume();
    this.#socket.close(NORMAL);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // `ws` ends a close handshake that is not answered by itself.
    if (!this.#closing) this.#socket.terminate();
    done(error);
  }
}

/** As few pieces as the bound of a frame lets be, in the same order. */
function gather(chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  let begun: Buffer[] = [];
  let length = 0;
  const end = (): void => {
    if (begun.length > 0) frames.push(Buffer.concat(begun, length));
    begun = [];
    length = 0;
  };
  for (const chunk of chunks) {
    if (length + chunk.length > FRAME) end();
    begun.push(chunk);
    length += chunk.length;
  }
  end();
  return frames;
}
