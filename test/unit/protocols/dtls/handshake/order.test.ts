import assert from "node:assert/strict";
import { test } from "node:test";
import { DtlsError } from "../../../../../src/protocols/dtls/errors.js";
import { ClientHandshake } from "../../../../../src/protocols/dtls/handshake/client.js";
import type { FlightPart } from "../../../../../src/protocols/dtls/handshake/flight.js";
import type { Handshake, Step } from "../../../../../src/protocols/dtls/handshake/handshake.js";
import { parseClientHello } from "../../../../../src/protocols/dtls/handshake/messages/client-hello.js";
import { HANDSHAKE_TYPES, type HandshakeMessage } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import { ServerHandshake } from "../../../../../src/protocols/dtls/handshake/server.js";
import type { ClientOptions, ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import { pskClient, pskServer, rawKeyPair, suitesOf } from "../connection/options.js";

interface Sides {
  readonly client: ClientOptions;
  readonly server: ServerOptions;
}

const WAYS: Readonly<Record<string, Sides>> = {
  PSK: { client: pskClient(), server: pskServer() },
  ECDHE_PSK: { client: pskClient({ suites: suitesOf("ecdhe_psk") }), server: pskServer() },
  "ECDHE_ECDSA, both with keys": rawKeyPair(),
};

function messagesOf({ flight }: Step): HandshakeMessage[] {
  return (flight?.parts ?? []).filter((part: FlightPart) => part !== "change_cipher_spec");
}

/** Both sides, as far as the server's first flight. */
function begun({ client, server }: Sides) {
  const asking = new ClientHandshake(client);
  const [hello] = messagesOf(asking.start());
  assert.ok(hello);
  const { body, sequence } = hello;
  const verified = { hello: parseClientHello(body), body, messageSequence: sequence, recordSequence: 0 };
  const answering = new ServerHandshake(verified, server);
  return { asking, answering, flight: messagesOf(answering.start()) };
}

/** The code of the error that ends it, or "established", or "waiting". */
function outcome(handshake: Handshake, messages: readonly HandshakeMessage[]): string {
  try {
    return messages.some((message) => handshake.message(message).established !== undefined) ? "established" : "waiting";
  } catch (error) {
    assert.ok(error instanceof DtlsError);
    return error.code;
  }
}

/** A flight with one message left out, twice, or behind its neighbour; the last stays the last. */
function* disorders(flight: readonly HandshakeMessage[]): Generator<{ name: string; messages: HandshakeMessage[] }> {
  for (const [index, message] of flight.slice(0, -1).entries()) {
    const [before, after] = [flight.slice(0, index), flight.slice(index + 1)];
    yield { name: `without ${message.type}`, messages: [...before, ...after] };
    yield { name: `${message.type} twice`, messages: [...before, message, message, ...after] };
    const [next, ...others] = after;
    if (next !== undefined) yield { name: `${message.type} late`, messages: [...before, next, message, ...others] };
  }
}

for (const [way, sides] of Object.entries(WAYS)) {
  test(`${way}: a client's messages out of their order, or left out, are refused before its Finished is looked at`, () => {
    const honest = begun(sides);
    const flight = messagesOf(honest.flight.reduce<Step>((_, message) => honest.asking.message(message), {}));
    assert.equal(outcome(honest.answering, flight), "established");
    for (let index = 0; index < [...disorders(flight)].length; index++) {
      const { asking, answering, flight: first } = begun(sides);
      const answer = messagesOf(first.reduce<Step>((_, message) => asking.message(message), {}));
      const { name, messages } = [...disorders(answer)][index] ?? { name: "", messages: [] };
      assert.equal(outcome(answering, messages), "UNEXPECTED_MESSAGE", name);
    }
  });

  test(`${way}: a server's messages out of their order, or left out`, () => {
    for (let index = 0; index < [...disorders(begun(sides).flight)].length; index++) {
      const { asking, flight } = begun(sides);
      const { name, messages } = [...disorders(flight)][index] ?? { name: "", messages: [] };
      // A server need not ask for a certificate: the client then shows none.
      const expected = name === `without ${HANDSHAKE_TYPES.certificate_request}` ? "waiting" : "UNEXPECTED_MESSAGE";
      assert.equal(outcome(asking, messages), expected, name);
    }
  });

  test(`${way}: a Finished in the place of any message`, () => {
    const { flight } = begun(sides);
    const finished = { type: HANDSHAKE_TYPES.finished, sequence: 1, body: new Uint8Array(12) };
    for (let count = 0; count <= flight.length; count++) {
      const { asking, answering, flight: first } = begun(sides);
      const expected = count === flight.length ? "DECRYPT_ERROR" : "UNEXPECTED_MESSAGE";
      assert.equal(outcome(asking, [...first.slice(0, count), finished]), expected);
      assert.equal(outcome(answering, [finished]), "UNEXPECTED_MESSAGE");
    }
  });
}
