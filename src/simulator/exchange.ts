import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import type { IncomingMessage, OutgoingMessage } from "coap";
import { messageOf } from "../core/errors.js";
import { guard } from "./guard.js";
import type { Post } from "./payload.js";

/** How a request ended. */
export type Outcome =
  | {
      readonly kind: "answered" /** `2.04` */;
      readonly code: string /** The answer's payload as text, cut. */;
      readonly text: string;
    }
  /** Refused with an RST. */
  | { readonly kind: "reset" }
  | { readonly kind: "timeout" }
  | { readonly kind: "failed"; readonly message: string };

/** A CoAP client with one request under way at a time (NSTART 1, RFC 7252 4.7). */
export interface CoapClient {
  /** A confirmable POST. Never rejects. */
  post(post: Post): Promise<Outcome>;
  /** Ends what is under way as failed. */
  close(): void;
}

/** Most datagrams that are looked at for one request: a peer that sends blocks without end would keep us busy for ever. */
const MAX_DATAGRAMS = 64;
/** Characters of a diagnostic payload that are kept. */
const MAX_TEXT = 200;
const CLOSED: Outcome = { kind: "failed", message: "the device was switched off" };

/**
 * Speaks to `coap://host[:port]` with npm's coap, which is not our own server's code: so each checks the other. Rejects where
 * the URL is none or the host has no address.
 * @param patience ms until a request counts as unanswered
 */
export async function connectCoap(target: string, patience: number): Promise<CoapClient> {
  const { host, port } = parseTarget(target);
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const { Agent } = await import("coap");
  const agent = new Agent({ socket });
  let settle: ((outcome: Outcome) => void) | undefined;
  let heard = 0;
  let closed = false;
  agent.on("error", (error: Error) => settle?.({ kind: "failed", message: error.message }));
  guard(socket, (from) => {
    heard += 1;
    // From elsewhere it is no answer to us (RFC 7252 5.3.2).
    return from.address === address && from.port === port && heard <= MAX_DATAGRAMS;
  });

  function forget(request: OutgoingMessage): void {
    agent.abort(request);
    // abort takes the listeners off; the socket may still report an error, and one nobody listens to ends the process.
    request.sender.on("error", () => {});
  }

  async function post({ path, contentFormat, payload }: Post): Promise<Outcome> {
    if (closed) return CLOSED;
    heard = 0;
    const request = agent.request({ hostname: address, port, method: "POST", confirmable: true });
    let timer: NodeJS.Timeout | undefined;
    const outcome = new Promise<Outcome>((resolve) => {
      settle = resolve;
      timer = setTimeout(resolve, patience, { kind: "timeout" });
      request.on("error", (error: Error) => resolve({ kind: "failed", message: error.message }));
      request.on("timeout", () => resolve({ kind: "timeout" }));
      request.on("response", (response: IncomingMessage) => resolve(outcomeOf(response)));
    });
    try {
      request.setOption(
        "Uri-Path",
        path.map((segment) => Buffer.from(segment)),
      );
      request.setOption("Content-Format", Buffer.from(contentFormat === 0 ? [] : [contentFormat]));
      request.end(Buffer.from(payload));
      return await outcome;
    } catch (error) {
      return { kind: "failed", message: messageOf(error) };
    } finally {
      clearTimeout(timer);
      settle = undefined;
      forget(request);
    }
  }

  return {
    post,
    close: () => {
      if (closed) return;
      closed = true;
      settle?.(CLOSED);
      // After the request was forgotten: a timer of it must not meet a closed socket.
      setImmediate(() => socket.close());
    },
  };
}

/** Throws where the text is no CoAP URL. */
export function parseTarget(target: string): { readonly host: string; readonly port: number } {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol !== "coap:" || url.hostname === "") {
    throw new Error(`${JSON.stringify(target)} is no CoAP server: write coap://127.0.0.1:5683`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // What a server listens on when it listens everywhere is no address to send to.
  const anywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return { host: anywhere[host] ?? host, port: url.port === "" ? 5683 : Number(url.port) };
}

function outcomeOf(response: IncomingMessage): Outcome {
  // An RST has no code (RFC 7252 4.2).
  if (response.code === "0.00") return { kind: "reset" };
  const text = response.payload
    .subarray(0, MAX_TEXT * 4)
    .toString()
    .slice(0, MAX_TEXT);
  return { kind: "answered", code: response.code, text };
}
