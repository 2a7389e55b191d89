import { setMaxListeners } from "node:events";
import type { LinkContext, Session } from "../../../src/core/adapter.js";
import type { Command } from "../../../src/core/command.js";
import { messageOf, WeirError } from "../../../src/core/errors.js";
import type { Scalar } from "../../../src/core/reading.js";
import { type CoapCodec, type CoapRead, coapCodec } from "../../../src/profile/index.js";
import type { CoapUri, IncomingResponse, OutgoingRequest } from "../../../src/protocols/coap/index.js";
import type { Peer } from "../../../src/protocols/datagram/index.js";
import type { Settings } from "../config.js";
import type { Device } from "../posted/targets.js";
import { isSuccess, maybeGone, noAnswer, readingsOf, refused, valuesOf } from "./answer.js";
import type { ReadContext } from "./read-context.js";
import { startReads } from "./reads.js";
import { openWay, type Way } from "./way.js";

/** How long the first answer of a device may take, in ms: less than the supervisor gives to an opening. */
const FIRST_ANSWER = 25_000;
/** How long a read may take, in ms: in that time the message layer has sent it for the last time (MAX_TRANSMIT_SPAN, RFC 7252 4.8.2). */
const PATIENCE = 45_000;

const GET = "0.01";
const METHODS = { post: "0.02", put: "0.03" } as const;

/** Opens the way to a device that is a CoAP server. Rejects with DEVICE_NO_ANSWER, or CLOSED once the signal is aborted. */
export async function openAskedSession(
  settings: Settings,
  device: Device,
  server: CoapUri,
  context: LinkContext,
): Promise<Session> {
  const { id, profile } = device;
  if (profile === undefined) throw new WeirError("PROFILE_INVALID", `device ${id} has no profile`);
  const codec = coapCodec(profile);
  const way = await openWay(settings, device, server, context.journal);
  const session = new AskedSession(id, codec, server.path, way, context);
  await session.begin();
  return session;
}

/** One device that is asked, for as long as it answers. */
export class AskedSession implements Session {
  readonly closed: Promise<void>;
  readonly #device: string;
  readonly #codec: CoapCodec;
  /** What all paths are below. */
  readonly #base: readonly string[];
  readonly #way: Way;
  readonly #context: LinkContext;
  /** Ends what is under way. */
  readonly #over = new AbortController();
  #settle: (why: WeirError | undefined) => void = () => {};
  #ending: Promise<void> | undefined;
  #stopReads = (): void => {};
  #answered = (): void => {};
  /** Whether there was a way to the device: over DTLS a session. */
  #reached = false;

  constructor(device: string, codec: CoapCodec, base: readonly string[], way: Way, context: LinkContext) {
    this.#device = device;
    this.#codec = codec;
    this.#base = base;
    this.#way = way;
    this.#context = context;
    // Each request listens to it: with more than ten at a time Node would warn of a leak.
    setMaxListeners(0, this.#over.signal);
    this.closed = new Promise((resolve, reject) => {
      this.#settle = (why) => (why === undefined ? resolve() : reject(why));
    });
    // It may be lost before anybody listens; that must not end the process.
    this.closed.catch(() => {});
    way.closed.catch((cause: unknown) => {
      void this.#end(new WeirError("LISTEN_FAILED", `${device}: the socket was lost: ${messageOf(cause)}`, { cause }));
    });
  }

  /** Starts to read. Resolves with the first answer of the device, whatever it says; where none comes, everything is closed. */
  async begin(): Promise<void> {
    const { signal } = this.#context;
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) await this.#end(undefined);
    let timer: NodeJS.Timeout | undefined;
    const first = new Promise<"answer">((resolve) => {
      this.#answered = () => resolve("answer");
    });
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, FIRST_ANSWER, "late");
    });
    if (this.#ending === undefined) this.#start();
    try {
      const what = await Promise.race([first, late, this.closed]);
      if (what === "late") {
        throw new WeirError("DEVICE_NO_ANSWER", this.#silence());
      }
      if (what === undefined) throw new WeirError("CLOSED", `${this.#device}: the gateway gave up`);
    } catch (error) {
      await this.#end(undefined);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.#end(undefined);
  }

  /** A peer with another key drops what it cannot open, and says nothing (RFC 6347 4.1.2.7). */
  #silence(): string {
    const within = `within ${FIRST_ANSWER / 1000} s`;
    if (this.#reached || !this.#way.secure) return `${this.#device} did not answer ${within}`;
    return `${this.#device}: no DTLS session ${within}: nobody is there, or it has another key`;
  }

  async execute(command: Command): Promise<Scalar | undefined> {
    const { resource, action, value, deadline } = command;
    if (this.#ending !== undefined) throw new WeirError("DEVICE_OFFLINE", `${this.#device} is not asked any more`);
    const left = deadline - this.#context.now();
    if (left <= 0) throw new WeirError("COMMAND_EXPIRED", `the command ${action} ${resource} came too late`);
    if (action === "read") return this.#read(resource, left);
    const { method, path, query, text, contentFormat, payload } = this.#codec.encode(resource, action, value);
    const request = { method: METHODS[method], path: this.#below(path), query, contentFormat, payload };
    const answer = await this.#ask(text, request, left);
    if (!isSuccess(answer)) throw refused(this.#device, text, answer);
    return undefined;
  }

  async #read(resource: string, timeout: number): Promise<Scalar> {
    const read = this.#codec.readOf(resource);
    if (read === undefined) {
      throw new WeirError("ACTION_UNSUPPORTED", `the profile of ${this.#device} has no way to read ${resource}`);
    }
    const answer = await this.#ask(read.text, this.#get(read), timeout);
    if (!isSuccess(answer)) throw refused(this.#device, read.text, answer);
    const now = this.#context.now();
    const values = valuesOf(this.#device, read, answer, now);
    // Whoever asked gets the value, whether all others get it or not.
    this.#context.sink(readingsOf(this.#device, values, now)).catch((error: unknown) => this.#dropped(error));
    const found = values.find((one) => one.resource === resource);
    if (found !== undefined) return found.value;
    throw new WeirError("COMMAND_FAILED", `${this.#device} answered at ${read.text}, without a ${resource} in it`);
  }

  #start(): void {
    this.#stopReads = startReads(this.#codec.reads, this.#reading());
    if (!this.#codec.reads.some(({ how }) => how !== "get")) void this.#look();
  }

  /** For a device that is only told, and asked on demand: whatever it answers, it is there. */
  async #look(): Promise<void> {
    const request = { method: GET, path: [".well-known", "core"] } as const;
    try {
      await this.#ask("/.well-known/core", request, FIRST_ANSWER);
    } catch (error) {
      // A reset, or an answer that is too large, is one.
      if (error instanceof WeirError && error.code === "DEVICE_NO_ANSWER") return;
    }
    this.#heard();
  }

  /** What came after the end is of no interest: a device that may not speak for itself did not answer. */
  #heard(): void {
    if (this.#ending === undefined) this.#answered();
  }

  /** Where one side refuses the other, the link is down until that is mended: it is tried again with pauses. */
  async #reach(): Promise<Peer> {
    try {
      const peer = await this.#way.reach();
      this.#reached = true;
      return peer;
    } catch (error) {
      if (error instanceof WeirError && !maybeGone(error)) void this.#end(error);
      throw error;
    }
  }

  #reading(): ReadContext {
    return {
      device: this.#device,
      journal: this.#context.journal,
      ticks: () => performance.now(),
      random: Math.random,
      ask: (read) => this.#ask(read.text, this.#get(read), PATIENCE),
      observe: async (read, listener) => {
        const peer = await this.#reach();
        const limits = read.every === undefined ? {} : { renewAfter: read.every };
        return this.#way.client.observe(peer, this.#get(read), listener, limits);
      },
      explain: (read, error) => noAnswer(this.#device, read.text, error),
      take: (read, answer) => this.#take(read, answer),
      answered: () => this.#heard(),
      lost: (why) => void this.#end(why),
    };
  }

  /** Rejects only where it may help to send it again: an answer that cannot be decoded will be the same then. */
  async #take(read: CoapRead, answer: IncomingResponse): Promise<void> {
    const now = this.#context.now();
    let readings: ReturnType<typeof readingsOf>;
    try {
      readings = readingsOf(this.#device, valuesOf(this.#device, read, answer, now), now);
    } catch (error) {
      this.#context.journal({ level: "warn", event: "coap_undecodable", at: this.#device, message: messageOf(error) });
      return;
    }
    try {
      await this.#context.sink(readings);
    } catch (error) {
      this.#dropped(error);
      throw error;
    }
  }

  #dropped(error: unknown): void {
    const reason = error instanceof WeirError ? error.code.toLowerCase() : "refused";
    const message = `its readings were not taken: ${messageOf(error)}`;
    this.#context.journal({ level: "warn", event: "coap_dropped", at: this.#device, message, reason });
  }

  async #ask(place: string, request: OutgoingRequest, timeout: number): Promise<IncomingResponse> {
    const start = performance.now();
    try {
      const peer = await this.#reach();
      const left = Math.max(1, timeout - (performance.now() - start));
      return await this.#way.client.request(peer, request, { timeout: left, signal: this.#over.signal });
    } catch (error) {
      throw noAnswer(this.#device, place, error);
    }
  }

  #get({ path, query, accept }: CoapRead): OutgoingRequest {
    return { method: GET, path: this.#below(path), query, accept };
  }

  #below(path: readonly string[]): readonly string[] {
    return [...this.#base, ...path];
  }

  readonly #abort = (): void => void this.#end(undefined);

  #end(why: WeirError | undefined): Promise<void> {
    this.#ending ??= this.#endOnce(why);
    return this.#ending;
  }

  async #endOnce(why: WeirError | undefined): Promise<void> {
    this.#context.signal.removeEventListener("abort", this.#abort);
    this.#stopReads();
    this.#over.abort();
    await this.#way.close();
    this.#settle(why);
  }
}
