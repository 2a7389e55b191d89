import type { Duplex } from "node:stream";
import {
  type AckPacket,
  type ConnackPacket,
  type Packet,
  PacketReader,
  PacketWriter,
  type PublishPacket,
  type SubackPacket,
} from "../../protocols/mqtt/index.js";
import { connectPacket, type Introduction, LARGEST_PACKET } from "./connect-packet.js";
import type { Credentials } from "./credentials.js";
import { Heartbeat } from "./heartbeat.js";
import { ServerRefusal } from "./refusal.js";
import { openTransport, type TransportOptions } from "./transport.js";

export interface ConnectionOptions extends Pick<TransportOptions, "url" | "lookup">, Omit<Introduction, "password"> {
  readonly credentials: Credentials;
  /** ms: for the whole of connecting, and for an answer later. */
  readonly timeout: number;
}

/** What the upstream says, in so far as it concerns whoever uses the connection. */
export type Incoming = PublishPacket | AckPacket | SubackPacket;

/** All are called from the socket's own turn; none may throw. */
export interface ConnectionEvents {
  packet(packet: Incoming): void;
  /** The socket takes more again. */
  drained(): void;
  /** Names what has waited for an acknowledgement the longest; undefined where nothing does. */
  owed(): string | undefined;
  /** Once, whatever the reason: undefined where the far side just closed. */
  closed(error: unknown): void;
}

/** Bytes that may wait here or in the socket before nothing more is sent. */
const HIGH_WATER = 256 * 1024;

/** One MQTT connection, from CONNACK to its end. It knows nothing of sessions and queues. */
export class Connection {
  readonly connack: ConnackPacket;
  /** What is written here goes out with the next `flush`. */
  readonly writer: PacketWriter;
  readonly #socket: Duplex;
  readonly #heartbeat: Heartbeat;
  #events: ConnectionEvents | undefined;
  /** What came along with CONNACK, before anybody listened. The socket is paused, so that it is no more than one read. */
  #early: Incoming[] = [];
  #end: { readonly error: unknown } | undefined;
  #written: (() => void)[] = [];
  #pongs: (() => void)[] = [];
  #flushing = false;
  #blocked = false;
  #paused = false;
  /** DISCONNECT was written: nothing may follow it (MQTT-3.14.4-2). */
  #ending = false;

  private constructor(socket: Duplex, writer: PacketWriter, connack: ConnackPacket, heartbeat: Heartbeat) {
    this.#socket = socket;
    this.writer = writer;
    this.connack = connack;
    this.#heartbeat = heartbeat;
  }

  /** Rejects with the system's error, with ServerRefusal where the server says no, or with the signal's reason. */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    const { url, lookup, version, timeout, credentials } = options;
    signal.throwIfAborted();
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    // Not AbortSignal.any: what depends on a signal that lives as long as the gateway is not freed by every Node before it ends.
    const abort = (): void => patience.abort(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      const socket = await openTransport({ url, lookup, certificates: credentials.certificates }, patience.signal);
      return await Connection.#greet(socket, options, patience.signal, version);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  static #greet(
    socket: Duplex,
    options: ConnectionOptions,
    patience: AbortSignal,
    version: 4 | 5,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      let ended = false;
      const end = (error: unknown): void => {
        if (ended) return;
        ended = true;
        patience.removeEventListener("abort", abort);
        heartbeat.stop();
        socket.destroy();
        if (connection === undefined) {
          reject(error ?? new Error(CLOSED));
          return;
        }
        connection.#end = { error };
        connection.#events?.closed(error);
      };
      const abort = (): void => end(patience.reason);
      const writer = new PacketWriter(version);
      const heartbeat = new Heartbeat({
        keepAlive: options.keepAlive,
        timeout: options.timeout,
        ping: () => connection?.send({ kind: "pingreq" }),
        owed: () => (connection === undefined ? undefined : connection.#events?.owed()),
        dead: (why) => end(new Error(why)),
      });
      const greeted = (packet: Packet): void => {
        if (packet.kind !== "connack") {
          end(new Error(`it answered CONNECT with ${packet.kind.toUpperCase()}`));
          return;
        }
        if (packet.reasonCode !== 0) {
          end(new ServerRefusal(packet.reasonCode, "refused"));
          return;
        }
        // From here on its user ends it by `end` or `destroy`.
        patience.removeEventListener("abort", abort);
        heartbeat.start(packet.properties?.serverKeepAlive, performance.now());
        connection = new Connection(socket, writer, packet, heartbeat);
        socket.pause();
        resolve(connection);
      };
      const receive = (packet: Packet): void => {
        if (ended) return;
        if (connection === undefined) {
          greeted(packet);
          return;
        }
        switch (packet.kind) {
          case "pingresp":
            connection.#pong();
            return;
          case "disconnect":
            end(new ServerRefusal(packet.reasonCode, "disconnected"));
            return;
          case "publish":
            // We allow none (MQTT-3.3.2-9).
            if (packet.properties?.topicAlias === undefined) connection.#receive(packet);
            else end(new Error("it sent a topic alias, unasked"));
            return;
          case "suback":
          case "puback":
          case "pubrec":
          case "pubrel":
          case "pubcomp":
            connection.#receive(packet);
            return;
          default:
            end(new Error(`it sent ${packet.kind.toUpperCase()}, which has no place here`));
            return;
        }
      };
      const reader = new PacketReader({ version, from: "server", maxPacketBytes: LARGEST_PACKET, receive });
      socket.on("data", (chunk: Buffer) => {
        heartbeat.heard();
        try {
          reader.push(chunk);
        } catch (error) {
          end(error);
        }
      });
      socket.on("drain", () => {
        if (connection === undefined || ended) return;
        connection.#blocked = false;
        connection.#events?.drained();
      });
      socket.on("error", end);
      socket.on("end", () => end(undefined));
      socket.on("close", () => end(undefined));
      if (patience.aborted) return abort();
      patience.addEventListener("abort", abort);
      try {
        writer.write(connectPacket({ ...options, password: options.credentials.password }));
      } catch (error) {
        return end(error);
      }
      for (const chunk of writer.take()) socket.write(chunk);
    });
  }

  /** Listens from now on; what came before is told at once. */
  begin(events: ConnectionEvents): void {
    this.#events = events;
    for (const packet of this.#early.splice(0)) events.packet(packet);
    if (this.#end !== undefined) events.closed(this.#end.error);
    else if (!this.#paused) this.#socket.resume();
  }

  /** Whether more may be written in this turn. */
  get writable(): boolean {
    return !this.#blocked && !this.#over && this.writer.length < HIGH_WATER;
  }

  /** Whether that is only since so much was written in this turn: there is room again in the next. */
  get full(): boolean {
    return !this.#blocked && !this.#over && this.writer.length >= HIGH_WATER;
  }

  send(packet: Packet): void {
    if (this.#over) return;
    this.writer.write(packet);
    this.flush();
  }

  /** What is in the writer goes out at the end of this turn, all in one; `written` is called once the system has taken it. */
  flush(written?: () => void): void {
    if (written !== undefined) this.#written.push(written);
    if (this.#flushing || this.#over) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#write();
    });
  }

  /** Calls back once the server has answered a ping: whatever was sent before has been read, and did not make it close. */
  ping(answered: () => void): void {
    this.#pongs.push(answered);
    this.send({ kind: "pingreq" });
  }

  /** Reads nothing until `resume`: what arrives stays with the upstream. */
  pause(): void {
    this.#paused = true;
    this.#heartbeat.hold(true);
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#heartbeat.hold(false);
    if (this.#events !== undefined) this.#socket.resume();
  }

  /** Writes what is there and a DISCONNECT, which discards the will (MQTT-3.14.4-3), then closes. Never rejects. */
  async end(patience = 1000): Promise<void> {
    if (this.#over) return;
    this.writer.write({ kind: "disconnect", reasonCode: 0 });
    this.#write();
    this.#ending = true;
    // It closes when it has read that, which only somebody who reads can see.
    this.#socket.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.end();
    });
    this.#socket.destroy();
  }

  /** Breaks off; `closed` is told why. */
  destroy(error: Error): void {
    this.#socket.destroy(error);
  }

  get #over(): boolean {
    return this.#ending || this.#end !== undefined;
  }

  #write(): void {
    if (this.#over || this.writer.length === 0) return;
    this.#heartbeat.sent();
    const waiting = this.#written;
    this.#written = [];
    const written = (error?: Error | null): void => {
      if (!error) for (const each of waiting) each();
    };
    const chunks = this.writer.take();
    for (const [index, chunk] of chunks.entries()) {
      const last = index === chunks.length - 1;
      if (last && waiting.length > 0) this.#socket.write(chunk, written);
      else this.#socket.write(chunk);
    }
    this.#blocked = this.#socket.writableLength > HIGH_WATER;
  }

  #receive(packet: Incoming): void {
    if (this.#events !== undefined) {
      this.#events.packet(packet);
      return;
    }
    // A view of what the socket read.
    this.#early.push(packet.kind === "publish" ? { ...packet, payload: Buffer.from(packet.payload) } : packet);
  }

  #pong(): void {
    this.#pongs.shift()?.();
  }
}

const CLOSED = "the connection was closed before it was accepted: is it an MQTT broker, and are port and path right?";
