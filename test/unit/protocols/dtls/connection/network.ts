import assert from "node:assert/strict";
import {
  type CloseReason,
  type Connection,
  clientConnection,
  type Established,
  type Output,
  type RecordOutcome,
  serverConnection,
} from "../../../../../src/protocols/dtls/connection.js";
import { DtlsError } from "../../../../../src/protocols/dtls/errors.js";
import {
  type ClientHello,
  DTLS_1_2,
  parseClientHello,
} from "../../../../../src/protocols/dtls/handshake/messages/client-hello.js";
import {
  encodeMessage,
  HANDSHAKE_TYPES,
  parseFragments,
} from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import { encodeHelloVerifyRequest } from "../../../../../src/protocols/dtls/handshake/messages/hello-verify-request.js";
import type { ClientOptions, ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import { CONTENT, PlaintextWriter, parseDatagram } from "../../../../../src/protocols/dtls/record/index.js";
import type { Random } from "../../../../support/random.js";

/** What happens to datagrams on their way; each its own probability. */
export interface Weather {
  readonly loss: number;
  readonly doubled: number;
  /** Ms on the way, at least and at most: what is sent first may come last. */
  readonly delay: readonly [number, number];
}

export const FAIR: Weather = { loss: 0, doubled: 0, delay: [10, 10] };

const COOKIE = Buffer.from("the one cookie of this test");

/** What one side has seen. */
export interface Side {
  connection: Connection | undefined;
  established: Established | undefined;
  closed: CloseReason | undefined;
  /** By `now`. */
  closedAt: number | undefined;
  readonly data: string[];
  readonly outcomes: RecordOutcome[];
  /** Datagrams that it sent. */
  readonly sent: Uint8Array[];
}

interface Arrival {
  readonly at: number;
  readonly to: "client" | "server";
  readonly datagram: Uint8Array;
}

function side(): Side {
  return {
    connection: undefined,
    established: undefined,
    closed: undefined,
    closedAt: undefined,
    data: [],
    outcomes: [],
    sent: [],
  };
}

/**
 * A client and a server that has the cookie already checked before it, over a network of its own time. A seed repeats all of it but the
 * secrets.
 */
export class Network {
  readonly client = side();
  readonly server = side();
  now = 1000;
  /** Sees every datagram that is sent: what comes back is sent in its place. */
  tamper: (datagram: Uint8Array, to: "client" | "server") => Uint8Array[] = (datagram) => [datagram];
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #serverOptions: ServerOptions;
  readonly #onTheWay: Arrival[] = [];

  constructor(clientOptions: ClientOptions, serverOptions: ServerOptions, weather: Weather, random: Random) {
    this.#serverOptions = serverOptions;
    this.#weather = weather;
    this.#random = random;
    const { connection, outputs } = clientConnection(clientOptions, this.now);
    this.client.connection = connection;
    this.#take("client", outputs);
  }

  /** Until nobody has anything to do, or it is that late, in ms. */
  run(until = Number.POSITIVE_INFINITY): void {
    for (;;) {
      const at = Math.min(
        this.#onTheWay[0]?.at ?? Number.POSITIVE_INFINITY,
        this.client.connection?.deadline ?? Number.POSITIVE_INFINITY,
        this.server.connection?.deadline ?? Number.POSITIVE_INFINITY,
      );
      if (at > until || at === Number.POSITIVE_INFINITY) break;
      this.now = Math.max(this.now, at);
      const [arrival] = this.#onTheWay;
      if (arrival !== undefined && arrival.at <= this.now) {
        this.#onTheWay.shift();
        this.deliver(arrival.to, arrival.datagram);
        continue;
      }
      for (const name of ["client", "server"] as const) {
        const { connection } = this[name];
        if ((connection?.deadline ?? Number.POSITIVE_INFINITY) <= this.now) {
          this.#take(name, connection?.tick(this.now) ?? []);
        }
      }
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
  }

  /** Until both are open, one of them is closed, or it is that late. */
  handshake(until = Number.POSITIVE_INFINITY): void {
    const over = (): boolean =>
      this.client.closed !== undefined ||
      this.server.closed !== undefined ||
      (this.client.established !== undefined && this.server.established !== undefined);
    while (!over() && this.now < until) {
      const before = this.now;
      this.run(this.now + 50);
      if (this.now === before) return;
    }
  }

  send(from: "client" | "server", text: string): void {
    this.#take(from, this[from].connection?.send(Buffer.from(text)) ?? []);
  }

  close(from: "client" | "server"): void {
    this.#take(from, this[from].connection?.close() ?? []);
  }

  /** A datagram comes now. */
  deliver(to: "client" | "server", datagram: Uint8Array): void {
    const own = this[to].connection?.ownCid?.length ?? this.#serverOptions.cid?.length ?? 0;
    for (const record of parseDatagram(datagram, own).records) {
      const { connection } = this[to];
      if (connection === undefined) {
        this.#welcome(record.fragment, record.sequence);
        continue;
      }
      const { outcome, outputs } = connection.receive(record, this.now);
      this[to].outcomes.push(outcome);
      this.#take(to, outputs);
    }
  }

  /** What a server does before there is a connection. */
  #welcome(record: Uint8Array, recordSequence: number): void {
    const found = helloOf(record);
    if (found === undefined) return;
    const { hello, body, sequence } = found;
    if (Buffer.compare(hello.cookie, COOKIE) !== 0) {
      const request = encodeHelloVerifyRequest({ version: DTLS_1_2, cookie: COOKIE });
      const message = encodeMessage({ type: HANDSHAKE_TYPES.hello_verify_request, sequence, body: request });
      const datagram = new PlaintextWriter(recordSequence).write(CONTENT.handshake, message);
      this.#take("server", [{ kind: "send", datagram }]);
      return;
    }
    const verified = { hello, body, messageSequence: sequence, recordSequence };
    const { connection, outputs } = serverConnection(verified, this.#serverOptions, this.now);
    this.server.connection = connection;
    this.#take("server", outputs);
  }

  #take(from: "client" | "server", outputs: readonly Output[]): void {
    const one = this[from];
    for (const output of outputs) {
      assert.equal(one.closed, undefined, "nothing comes after closed");
      switch (output.kind) {
        case "send":
          one.sent.push(output.datagram);
          for (const datagram of this.tamper(output.datagram, from === "client" ? "server" : "client")) {
            this.#carry(from === "client" ? "server" : "client", datagram);
          }
          break;
        case "established":
          assert.equal(one.established, undefined, "established once");
          one.established = output.established;
          break;
        case "data":
          assert.ok(one.established, "no data before it is established");
          one.data.push(Buffer.from(output.bytes).toString("utf8"));
          break;
        case "closed":
          one.closed = output.reason;
          one.closedAt = this.now;
          break;
      }
    }
  }

  #carry(to: "client" | "server", datagram: Uint8Array): void {
    const copies = this.#random.chance(this.#weather.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.chance(this.#weather.loss)) continue;
      const at = this.now + this.#random.between(...this.#weather.delay);
      const arrival = { at, to, datagram: Uint8Array.from(datagram) };
      const index = this.#onTheWay.findIndex((other) => other.at > at);
      this.#onTheWay.splice(index < 0 ? this.#onTheWay.length : index, 0, arrival);
    }
  }
}

/** Undefined: a record of something else. */
function helloOf(record: Uint8Array): { hello: ClientHello; body: Uint8Array; sequence: number } | undefined {
  try {
    const [fragment] = parseFragments(record);
    if (fragment?.type !== HANDSHAKE_TYPES.client_hello || fragment.bytes.length < fragment.length) return undefined;
    const { sequence, bytes: body } = fragment;
    return { hello: parseClientHello(body), body, sequence };
  } catch (error) {
    if (error instanceof DtlsError) return undefined;
    throw error;
  }
}
