import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { IncomingMessage, ObserveWriteStream, OutgoingMessage } from "coap";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { CoapAnswer, CoapPlace, CoapServerSimulation } from "../profile/index.js";
import { guard } from "./guard.js";

export interface CoapDevicePlay {
  readonly device: CoapServerSimulation;
  /** ms between two looks at what has changed, for those who observe. */
  readonly every: number;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  readonly journal: Journal;
  /** For the journal: the device's id. */
  readonly at: string;
}

export interface CoapDevice {
  readonly port: number;
  /** Never rejects. */
  close(): Promise<void>;
}

interface Observer {
  readonly stream: ObserveWriteStream;
  readonly place: CoapPlace;
  /** What it was told last. */
  told: CoapAnswer;
}

/** A device has little memory: the one who came first goes. */
const MAX_OBSERVERS = 32;
/** Answers that npm coap keeps for requests that come twice, in bytes. */
const CACHE_SIZE = 256 * 1024;
/** Before an answer that is not there by then, an empty acknowledgement is sent. In ms. */
const ACKNOWLEDGE_AFTER = 20;

/**
 * Plays a device that is a CoAP server, on a port of this machine's own address. It is npm's coap, which is not our own client's
 * code, so that each checks the other; what it must not see is kept from it.
 */
export async function serveCoapDevice({ device, every, now, journal, at }: CoapDevicePlay): Promise<CoapDevice> {
  const { createServer } = await import("coap");
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const observers = new Map<string, Observer>();
  const server = createServer({ cacheSize: CACHE_SIZE, piggybackReplyMs: ACKNOWLEDGE_AFTER });
  server.on("error", (error: Error) => {
    journal({ level: "warn", event: "simulator_failed", at, message: `the simulated device: ${messageOf(error)}` });
  });
  server.on("request", (request: IncomingMessage, response: OutgoingMessage | ObserveWriteStream) => {
    try {
      answer(request, response);
    } catch (error) {
      journal({ level: "warn", event: "simulator_failed", at, message: `the simulated device: ${messageOf(error)}` });
    }
  });
  server.listen(socket);
  // Nothing comes from port 0, and an answer to it would end the process.
  guard(socket, ({ port }) => port !== 0);

  function answer(request: IncomingMessage, response: OutgoingMessage | ObserveWriteStream): void {
    const place = placeOf(request.url);
    // It cannot be answered without an error that nobody hears.
    response.on("error", () => {});
    const key = `${request.rsinfo.address} ${request.rsinfo.port} ${request._packet.token?.toString("hex") ?? ""}`;
    // A registration anew takes the place of the one before (RFC 7641 4.1).
    drop(key);
    if (request.method === "GET") read(request, response, key, place);
    else end(response, CODES[device.command(request.method.toLowerCase(), place, request.payload)]);
    if (request.method !== "GET") notify();
  }

  function read(
    request: IncomingMessage,
    response: OutgoingMessage | ObserveWriteStream,
    key: string,
    place: CoapPlace,
  ): void {
    const state = device.state(place, now());
    if (state === undefined) {
      end(response, CODES.not_found);
      return;
    }
    if (state.contentFormat !== undefined) response.setOption("Content-Format", uintBytes(state.contentFormat));
    if (!isObserving(request, response)) {
      response.end(Buffer.from(state.payload));
      return;
    }
    const [first] = observers.keys();
    if (observers.size >= MAX_OBSERVERS && first !== undefined) drop(first);
    observers.set(key, { stream: response, place, told: state });
    // A reset, or nobody who acknowledges.
    response.on("finish", () => {
      if (observers.get(key)?.stream === response) observers.delete(key);
    });
    response.write(Buffer.from(state.payload));
  }

  function drop(key: string): void {
    const observer = observers.get(key);
    observers.delete(key);
    observer?.stream.end();
  }

  function notify(): void {
    for (const observer of observers.values()) {
      const state = device.state(observer.place, now());
      if (state === undefined || Buffer.from(state.payload).equals(observer.told.payload)) continue;
      observer.told = state;
      observer.stream.write(Buffer.from(state.payload));
    }
  }

  const timer = setInterval(notify, every);
  return {
    port: socket.address().port,
    close: async () => {
      clearInterval(timer);
      for (const key of [...observers.keys()]) drop(key);
      socket.removeAllListeners("message");
      // A request that it threw at is acknowledged still: through a closed socket that would end the process.
      await wait(2 * ACKNOWLEDGE_AFTER);
      // Ends all other timers.
      server.close();
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

const CODES = { done: "2.04", bad_request: "4.00", method: "4.05", not_found: "4.04" } as const;

function end(response: OutgoingMessage | ObserveWriteStream, code: string): void {
  response.statusCode = code;
  response.end();
}

function isObserving(
  request: IncomingMessage,
  response: OutgoingMessage | ObserveWriteStream,
): response is ObserveWriteStream {
  return request.headers["Observe"] === 0 && "_counter" in response;
}

/** As npm coap writes it: a slash, segments, and a query behind a question mark. */
function placeOf(url: string): CoapPlace {
  const [path = "", query] = url.split("?", 2);
  return {
    path: path.split("/").filter((segment) => segment !== ""),
    query: query === undefined ? [] : query.split("&"),
  };
}

/** As few bytes as it takes (RFC 7252 3.2). */
function uintBytes(value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  return value < 256 ? Buffer.of(value) : Buffer.of(value >> 8, value & 0xff);
}
