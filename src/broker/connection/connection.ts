import type { Duplex } from "node:stream";
import { messageOf } from "../../core/errors.js";
import {
  type ConnectPacket,
  type DisconnectPacket,
  MqttError,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from "../../protocols/mqtt/index.js";
import type { Identity } from "../access/access.js";
import type { Core } from "../core.js";
import type { Peer } from "../listeners/peer.js";
import type { Publication } from "../publication.js";
import { type Answered, answer } from "../session/answer.js";
import type { HowSent } from "../session/delivery.js";
import type { Session } from "../session/session.js";
import { OutgoingAliases } from "./aliases.js";
import { type Client, type End, PAUSED } from "./client.js";
import { admitClient } from "./connect.js";
import { Inbound } from "./inbound.js";
import { Output } from "./output.js";
import { Fullness } from "./pressure.js";
import { publishFields, publishSize } from "./publish-packet.js";
import { Subscribing } from "./subscribing.js";
import { type ConnectionTerms, mostExpiry } from "./terms.js";

const SESSION_TAKEN_OVER = 0x8e;
const NOT_AUTHORIZED = 0x87;
const KEEP_ALIVE_TIMEOUT = 0x8d;
const SHUTTING_DOWN = 0x8b;
const QUOTA_EXCEEDED = 0x97;
const DISCONNECT_CODES: Partial<Record<End, number>> = {
  taken_over: SESSION_TAKEN_OVER,
  timeout: KEEP_ALIVE_TIMEOUT,
  stopping: SHUTTING_DOWN,
  revoked: NOT_AUTHORIZED,
  slow: QUOTA_EXCEEDED,
};

/** What was let in: a session with its connection. */
interface Open {
  readonly session: Session;
  readonly terms: ConnectionTerms;
  readonly inbound: Inbound;
  readonly subscribing: Subscribing;
  readonly aliases: OutgoingAliases | undefined;
}

/** The connection of one client: packets in, packets out, and when it ends. */
export class Connection implements Client {
  readonly peer: Peer;
  readonly #core: Core;
  readonly #socket: Duplex;
  readonly #reader: PacketReader;
  readonly #output: Output;
  readonly #ended: (connection: Connection) => void;
  #open: Open | undefined;
  /** While nothing is read: what came along with the last that was taken, in the same chunk. */
  #held: Packet[] | undefined;
  #connecting = false;
  #closed = false;
  #paused = 0;
  #fullness: Fullness | undefined;
  /** When it came, by `core.now`. */
  readonly #since: number;
  /** When something came last, by `core.now`; coarse. */
  #heard: number;

  constructor(core: Core, socket: Duplex, peer: Peer, ended: (connection: Connection) => void) {
    this.#core = core;
    this.#socket = socket;
    this.peer = peer;
    this.#ended = ended;
    this.#since = core.now();
    this.#heard = this.#since;
    this.#output = new Output(socket, core.flusher, core.stats);
    this.#reader = new PacketReader({
      version: 4,
      from: "client",
      maxPacketBytes: core.limits.connectPacketSize,
      receive: (packet) => this.#receive(packet),
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.end("closed"));
    socket.on("close", () => this.end("closed"));
    socket.on("error", () => this.end("closed"));
  }

  get session(): Session | undefined {
    return this.#open?.session;
  }

  get version(): ProtocolVersion {
    return this.#open?.terms.version ?? 4;
  }

  /** Whether it has ended. */
  get gone(): boolean {
    return this.#closed;
  }

  get window(): number {
    return this.#open?.terms.window ?? 0;
  }

  get ready(): boolean {
    return !this.#output.full;
  }

  /** For a message of QoS 0 it says that it went out also where it was dropped for a client that takes nothing. */
  publish(publication: Publication, how: HowSent): boolean {
    const open = this.#open;
    if (open === undefined || this.#closed) return true;
    if (how.qos === 0 && this.#output.full) {
      this.press();
      // Not all who publish can be made to wait: there is an end before its patience has one.
      if (this.#fullness?.stalled === true || this.#output.size > this.#core.limits.queue.size) {
        this.#core.stats.publishDropped++;
        return true;
      }
    }
    const { terms, aliases } = open;
    const fields = publishFields(terms.version, publication, how, aliases, this.#core.now);
    if (terms.maxPacketBytes !== undefined && publishSize(fields) > terms.maxPacketBytes) {
      // Its alias was not set either.
      if (fields.topic !== "") aliases?.forget(fields.topic);
      return false;
    }
    try {
      this.#output.packets.publish(fields);
    } catch (error) {
      // A rewritten topic may be longer than MQTT allows. Neither the publisher nor this client is to blame.
      this.#note("warn", "queue_dropped", `a message cannot be written: ${messageOf(error)}`);
      return false;
    }
    this.#core.stats.publishSent++;
    this.#core.stats.publishBytesSent += publication.payload.length;
    return true;
  }

  pubrel(packetId: number): void {
    if (!this.#closed) this.#output.packets.ack("pubrel", packetId);
  }

  ack(kind: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode = 0): void {
    if (!this.#closed) this.#output.packets.ack(kind, packetId, this.#open?.terms.version === 5 ? reasonCode : 0);
  }

  write(packet: Packet): void {
    if (!this.#closed) this.#output.packets.write(packet);
  }

  press(): void {
    this.#fullness ??= new Fullness(this, this.#core.now());
    if (!this.#fullness.stalled) this.#core.pressure.hit(this.#fullness);
  }

  pressed(): void {
    this.pause(PAUSED.pressure);
  }

  relieved(): void {
    this.resume(PAUSED.pressure);
  }

  pause(why: number): void {
    this.#paused |= why;
    this.#held ??= [];
    this.#socket.pause();
  }

  resume(why: number): void {
    if (this.#paused === 0) return;
    this.#paused &= ~why;
    if (this.#paused !== 0 || this.#closed) return;
    // What it sent meanwhile was not heard: its silence begins now.
    this.#heard = this.#core.now();
    const held = this.#held ?? [];
    this.#held = undefined;
    try {
      // One of them may make it pause again: the others are held anew then.
      for (const packet of held) this.#receive(packet);
    } catch (error) {
      this.fail(error);
    }
    if (this.#paused === 0 && !this.#closed) this.#socket.resume();
  }

  close(): void {
    this.end("taken_over");
  }

  /** Looks at what depends on time. To be called now and then. */
  sweep(now: number): void {
    const { limits } = this.#core;
    const open = this.#open;
    if (open === undefined) {
      // From its beginning: a byte now and then does not make it longer.
      if (now - this.#since > limits.connectTimeout) this.end("timeout", "no CONNECT came in time");
      return;
    }
    const { silence } = open.terms;
    // Who is not read from cannot be heard.
    if (silence > 0 && this.#paused === 0 && now - this.#heard > silence) {
      this.end("timeout", `nothing came for ${silence} ms`);
      return;
    }
    const { until } = open.session.identity;
    if (until !== undefined && this.#core.wall() > until) {
      this.end("revoked", "its token has ended");
      return;
    }
    open.inbound.sweep(now);
    const fullness = this.#fullness;
    if (fullness === undefined) return;
    const idle = now - fullness.progressed;
    if (idle > limits.patience * DEAD_AFTER) this.end("slow", `it took nothing for ${Math.round(idle)} ms`);
    else if (now - fullness.since > limits.patience && !fullness.stalled) {
      fullness.stall();
      this.#note(
        "warn",
        "client_slow",
        `takes less than comes for it: QoS 0 messages for it are dropped until it has caught up`,
      );
    }
  }

  /** Who may do what has changed. */
  permissionsChanged(revoked: (identity: Identity) => boolean): void {
    const open = this.#open;
    if (open === undefined) return;
    if (revoked(open.session.identity)) this.end("revoked", "its user was taken away or changed");
    else open.inbound.forget();
  }

  /** Ends it. What was written goes out first, as far as the client takes it. */
  end(how: End, detail?: string): void {
    if (this.#closed) return;
    const open = this.#open;
    const code = DISCONNECT_CODES[how];
    if (code !== undefined && open?.terms.version === 5) this.disconnect(code);
    this.#closed = true;
    this.#output.flush();
    this.#socket.removeAllListeners("data");
    // Whatever still comes is not looked at; without reading it, the end would be a reset, and what was written could be lost.
    this.#socket.resume();
    if (!this.#socket.writableEnded) this.#socket.end();
    const grace = setTimeout(() => this.#socket.destroy(), GRACE);
    grace.unref();
    this.#socket.once("close", () => clearTimeout(grace));
    this.#fullness?.release();
    open?.inbound.close();
    if (open !== undefined) {
      this.#tellEnd(open.session, how, detail);
      if (how === "disconnected") open.session.will = undefined;
      if (open.session.link === this) this.#core.sessions.close(open.session);
    } else if (how !== "closed" && how !== "refused" && how !== "stopping") {
      this.#note("info", "client_error", detail ?? how);
    }
    this.#ended(this);
  }

  /** The client broke the protocol, or asked for what it cannot have. */
  fail(error: unknown): void {
    const reason = error instanceof MqttError ? error.reasonCode : UNSPECIFIED;
    if (this.#open?.terms.version === 5) this.disconnect(reason);
    else if (this.#open === undefined && error instanceof MqttError && error.code === "UNSUPPORTED_VERSION")
      // The only refusal that a client of another version understands too (MQTT-3.1.2-2).
      this.write({ kind: "connack", sessionPresent: false, reasonCode: 1 });
    this.end("error", messageOf(error));
  }

  disconnect(reasonCode: number): void {
    this.write({ kind: "disconnect", reasonCode });
  }

  /** Refuses the CONNECT. */
  refuse(version: ProtocolVersion, reasonCode: number): void {
    this.#output.version = version;
    this.write({ kind: "connack", sessionPresent: false, reasonCode });
    this.end("refused");
  }

  /** Lets the client in: from now on it has a session. */
  letIn(session: Session, terms: ConnectionTerms): void {
    const { limits } = this.#core;
    this.#reader.maxPacketBytes = limits.packetSize;
    this.#output.version = terms.version;
    this.#open = {
      session,
      terms,
      inbound: new Inbound(this.#core, this, session, terms),
      subscribing: new Subscribing(this.#core, this, session),
      aliases: terms.aliases > 0 ? new OutgoingAliases(terms.aliases) : undefined,
    };
  }

  /** CONNACK is written: what waited for that goes on, both ways. */
  begin(): void {
    const open = this.#open;
    if (open === undefined || this.#closed) return;
    open.session.outgoing.attach(this);
    this.resume(PAUSED.letIn);
  }

  #read(chunk: Buffer): void {
    if (this.#closed) return;
    this.#core.stats.bytesReceived += chunk.length;
    this.#heard = this.#core.now();
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.fail(error);
    }
    if (this.#output.full) this.#readNoMore();
  }

  /** A client that does not read the answers gets no more of them: what it sends is not read either. */
  #readNoMore(): void {
    if (this.#closed) return;
    this.#fullness ??= new Fullness(this, this.#core.now());
    this.pause(PAUSED.output);
  }

  #receive(packet: Packet): void {
    if (this.#closed) return;
    const open = this.#open;
    // Who waits for a client's answers must not wait for what the client waits for.
    if (this.#held !== undefined && (open === undefined || !ANSWERS.has(packet.kind))) {
      this.#held.push(packet);
      return;
    }
    this.#core.stats.messagesReceived++;
    if (open === undefined) {
      if (this.#connecting || packet.kind !== "connect") {
        throw new MqttError("PROTOCOL_ERROR", "the first packet is not CONNECT [MQTT-3.1.0-1]");
      }
      this.#connect(packet);
    } else if (packet.kind === "publish") {
      open.inbound.publish(packet);
    } else {
      this.#dispatch(open, packet);
    }
  }

  #connect(packet: ConnectPacket): void {
    this.#connecting = true;
    this.pause(PAUSED.letIn);
    admitClient(this.#core, this, packet);
  }

  #dispatch({ session, inbound, subscribing, terms }: Open, packet: Exclude<Packet, { kind: "publish" }>): void {
    switch (packet.kind) {
      case "puback":
      case "pubrec":
      case "pubcomp":
        this.#answered(answer(session.outgoing, packet.kind, packet, this));
        return;
      case "pubrel":
        inbound.release(packet.packetId);
        return;
      case "subscribe":
        subscribing.subscribe(packet);
        return;
      case "unsubscribe":
        subscribing.unsubscribe(packet);
        return;
      case "pingreq":
        this.write({ kind: "pingresp" });
        return;
      case "disconnect":
        this.#disconnected(session, terms, packet);
        return;
      default:
        throw new MqttError("PROTOCOL_ERROR", `a packet that a client does not send: ${packet.kind} [MQTT 2.2.1]`);
    }
  }

  #answered(answered: Answered): void {
    if (answered === "wrong")
      throw new MqttError("PROTOCOL_ERROR", "an answer that the message does not have [MQTT 4.3]");
    this.#open?.subscribing.resume();
    if (this.#fullness !== undefined) this.#relieve();
  }

  #disconnected(session: Session, terms: ConnectionTerms, { reasonCode, properties }: DisconnectPacket): void {
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (terms.expiry === 0 && expiry > 0) {
        throw new MqttError("PROTOCOL_ERROR", "a session expiry for a session that has none [MQTT-3.14.2-2]");
      }
      session.expiry = mostExpiry(this.#core.limits, expiry);
    }
    if (reasonCode === 0) this.end("disconnected");
    else this.end("closed", `it said ${reasonCode}`);
  }

  #drained(): void {
    this.#open?.session.outgoing.pump();
    this.#open?.subscribing.resume();
    if (!this.#output.full) this.resume(PAUSED.output);
    if (this.#fullness !== undefined) this.#relieve();
  }

  #relieve(): void {
    if (this.#fullness !== undefined) this.#fullness.progressed = this.#core.now();
    if (!this.#output.low || this.#open?.session.outgoing.relieved === false) return;
    const fullness = this.#fullness;
    this.#fullness = undefined;
    fullness?.release();
  }

  #tellEnd(session: Session, how: End, detail: string | undefined): void {
    const quiet = how === "disconnected" || how === "closed" || how === "stopping";
    const event = quiet ? "client_disconnected" : "client_error";
    this.#note(quiet ? "debug" : "info", event, detail === undefined ? how : `${how}: ${detail}`, session.clientId);
  }

  #note(level: "debug" | "info" | "warn", event: string, text: string, client = this.session?.clientId): void {
    const who = client === undefined ? `a connection from ${this.peer.address ?? "this machine"}` : `client ${client}`;
    this.#core.journal({ level, event, at: "broker", message: `${who}: ${text}` });
  }
}

const ANSWERS: ReadonlySet<Packet["kind"]> = new Set(["puback", "pubrec", "pubcomp"]);
const UNSPECIFIED = 0x80;
/** Times the patience: who takes nothing for as long is cut off. */
const DEAD_AFTER = 10;
/** ms that a client has to take what was written before the end. */
const GRACE = 2_000;
