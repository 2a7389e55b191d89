import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KeyExchange } from "../../../../../src/protocols/dtls/crypto/index.js";
import { DtlsError } from "../../../../../src/protocols/dtls/errors.js";
import { encodeAlert, parseAlert } from "../../../../../src/protocols/dtls/handshake/alert.js";
import {
  type Extensions,
  encodeExtensions,
  notOffered,
  parseExtensions,
} from "../../../../../src/protocols/dtls/handshake/extensions.js";
import { concat, FieldReader, vector } from "../../../../../src/protocols/dtls/handshake/fields.js";
import {
  encodeCertificateChain,
  encodeRawPublicKey,
  parseCertificateChain,
  parseRawPublicKey,
} from "../../../../../src/protocols/dtls/handshake/messages/certificate.js";
import {
  encodeCertificateRequest,
  parseCertificateRequest,
} from "../../../../../src/protocols/dtls/handshake/messages/certificate-request.js";
import {
  DTLS_1_2,
  encodeClientHello,
  parseClientHello,
} from "../../../../../src/protocols/dtls/handshake/messages/client-hello.js";
import {
  encodeClientKeyExchange,
  parseClientKeyExchange,
} from "../../../../../src/protocols/dtls/handshake/messages/client-key-exchange.js";
import { encodeFragment, parseFragments } from "../../../../../src/protocols/dtls/handshake/messages/header.js";
import {
  encodeHelloVerifyRequest,
  parseHelloVerifyRequest,
} from "../../../../../src/protocols/dtls/handshake/messages/hello-verify-request.js";
import {
  encodeServerHello,
  parseServerHello,
} from "../../../../../src/protocols/dtls/handshake/messages/server-hello.js";
import {
  encodeServerKeyExchange,
  parseServerKeyExchange,
} from "../../../../../src/protocols/dtls/handshake/messages/server-key-exchange.js";
import { encodeSigned, parseCertificateVerify } from "../../../../../src/protocols/dtls/handshake/messages/signed.js";

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const numbers = (max: number): fc.Arbitrary<number[]> => fc.array(fc.integer({ min: 0, max }), { minLength: 1 });
const uint16 = fc.integer({ min: 0, max: 0xffff });

const extensions = (types: fc.Arbitrary<number[]>, more: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(
    {
      maxFragmentLength: fc.integer({ min: 1, max: 4 }),
      groups: numbers(0xffff),
      pointFormats: numbers(0xff),
      signatureSchemes: numbers(0xffff),
      clientCertificateTypes: types,
      serverCertificateTypes: types,
      extendedMasterSecret: fc.constant(true),
      connectionId: bytes(0, 255),
      renegotiationInfo: bytes(0, 12),
      ...more,
    },
    { requiredKeys: [], noNullPrototype: true },
  ) as fc.Arbitrary<Extensions>;
const serverName = fc.constantFrom("weir", "a.example", "xn--nxasmq6b.example");
const clientExtensions = extensions(numbers(0xff), { serverName });
const serverExtensions = extensions(
  fc.integer({ min: 0, max: 255 }).map((type) => [type]),
  {},
);

/** Without the prototype of a generated record, and with arrays of its own in place of views. */
function plain<T>(value: T): T {
  return structuredClone(value);
}

function same<T>(read: T, written: T): void {
  assert.deepEqual(plain(read), plain(written));
}

function refuses(code: string, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof DtlsError && error.code === code);
}

test("a ClientHello is read as it was written", () => {
  const clientHello = fc.record({
    version: uint16,
    random: bytes(32, 32),
    sessionId: bytes(0, 32),
    cookie: bytes(0, 255),
    suites: numbers(0xffff),
    extensions: clientExtensions,
  });
  fc.assert(fc.property(clientHello, (hello) => same(parseClientHello(encodeClientHello(hello)), hello)));
});

test("a ServerHello is read as it was written", () => {
  const serverHello = fc.record({
    version: uint16,
    random: bytes(32, 32),
    sessionId: bytes(0, 32),
    suite: uint16,
    extensions: serverExtensions,
  });
  fc.assert(fc.property(serverHello, (hello) => same(parseServerHello(encodeServerHello(hello)).hello, hello)));
});

test("the messages of the key exchange are read as they were written", () => {
  const signed = fc.record({ scheme: uint16, signature: bytes(0, 200) });
  const ecdh = fc.record({ group: uint16, publicKey: bytes(1, 255) });
  const servers: Readonly<Record<KeyExchange, fc.Arbitrary<Parameters<typeof encodeServerKeyExchange>[0]>>> = {
    psk: fc.record({ hint: bytes(0, 300) }),
    ecdhe_psk: fc.record({ hint: bytes(0, 300), ecdh }),
    ecdhe_ecdsa: fc.record({ ecdh, signed }),
  };
  const clients: Readonly<Record<KeyExchange, fc.Arbitrary<Parameters<typeof encodeClientKeyExchange>[0]>>> = {
    psk: fc.record({ identity: bytes(0, 300) }),
    ecdhe_psk: fc.record({ identity: bytes(0, 300), publicKey: bytes(1, 255) }),
    ecdhe_ecdsa: fc.record({ publicKey: bytes(1, 255) }),
  };
  for (const exchange of ["psk", "ecdhe_psk", "ecdhe_ecdsa"] as const) {
    fc.assert(
      fc.property(servers[exchange], clients[exchange], (server, client) => {
        same(parseServerKeyExchange(encodeServerKeyExchange(server), exchange), server);
        same(parseClientKeyExchange(encodeClientKeyExchange(client), exchange), client);
      }),
    );
  }
  fc.assert(fc.property(signed, (value) => same(parseCertificateVerify(encodeSigned(value)), value)));
});

test("certificates, requests for them, cookies, alerts and fragments are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(bytes(1, 50), { maxLength: 10 }), bytes(0, 100), bytes(0, 255), (chain, key, cookie) => {
      same(parseCertificateChain(encodeCertificateChain(chain)), chain);
      same(parseRawPublicKey(encodeRawPublicKey(key)), key);
      const request = { version: DTLS_1_2, cookie };
      same(parseHelloVerifyRequest(encodeHelloVerifyRequest(request)), request);
    }),
  );
  fc.assert(
    fc.property(numbers(0xff), numbers(0xffff), bytes(0, 100), (types, signatureSchemes, authorities) => {
      const request = { types, signatureSchemes, authorities };
      same(parseCertificateRequest(encodeCertificateRequest(request)), request);
    }),
  );
  assert.deepEqual(parseAlert(encodeAlert(40, "fatal")), { fatal: true, code: 40 });
  assert.deepEqual(parseAlert(encodeAlert(0, "warning")), { fatal: false, code: 0 });
  assert.equal(parseAlert(Uint8Array.of(3, 0)), undefined);
  assert.equal(parseAlert(Uint8Array.of(2, 40, 0)), undefined);
  const first = { type: 11, sequence: 0xfffe, length: 70_000, offset: 69_999, bytes: Uint8Array.of(7) };
  const second = { type: 14, sequence: 3, length: 0, offset: 0, bytes: new Uint8Array(0) };
  same(parseFragments(concat(encodeFragment(first), encodeFragment(second))), [first, second]);
});

test("RFC 6347 4.2.2: fragments that are none", () => {
  const whole = encodeFragment({ type: 1, sequence: 0, length: 5, offset: 0, bytes: new Uint8Array(5) });
  refuses("DECODE_ERROR", () => parseFragments(new Uint8Array(0)));
  refuses("DECODE_ERROR", () => parseFragments(whole.subarray(0, -1)));
  refuses("DECODE_ERROR", () => parseFragments(concat(whole, Uint8Array.of(0))));
  const beyond = { type: 1, sequence: 0, length: 5, offset: 1, bytes: new Uint8Array(5) };
  refuses("DECODE_ERROR", () => parseFragments(encodeFragment(beyond)));
  const nothing = { type: 1, sequence: 0, length: 5, offset: 1, bytes: new Uint8Array(0) };
  refuses("DECODE_ERROR", () => parseFragments(encodeFragment(nothing)));
});

test("hellos that are none", () => {
  const empty = new Uint8Array(0);
  const random = new Uint8Array(32);
  const hello = { version: DTLS_1_2, random, sessionId: empty, cookie: empty, suites: [0xc0a8], extensions: {} };
  const body = encodeClientHello(hello);
  refuses("DECODE_ERROR", () => parseClientHello(body.subarray(0, -1)));
  refuses("DECODE_ERROR", () => parseClientHello(concat(body, Uint8Array.of(0))));
  refuses("DECODE_ERROR", () => parseClientHello(encodeClientHello({ ...hello, sessionId: new Uint8Array(33) })));
  refuses("DECODE_ERROR", () => parseClientHello(encodeClientHello({ ...hello, suites: [] })));
  // The last byte is the one method of compression.
  const compressed = Uint8Array.from(body);
  compressed[body.length - 1] = 1;
  refuses("DECODE_ERROR", () => parseClientHello(compressed));
  const answer = encodeServerHello({ ...hello, suite: 0xc0a8 });
  answer[answer.length - 1] = 1;
  refuses("ILLEGAL_PARAMETER", () => parseServerHello(answer));
});

test("RFC 5246 7.4.1.4: extensions twice, too many, unknown, or with something behind them", () => {
  const parse = (list: Uint8Array): unknown => parseExtensions(new FieldReader(vector(2, list)), "client").extensions;
  const unknown = Uint8Array.of(0x12, 0x34, 0, 1, 9);
  assert.deepEqual(parse(unknown), {});
  refuses("ILLEGAL_PARAMETER", () => parse(concat(unknown, unknown)));
  const many = Array.from({ length: 65 }, (_, index) => Uint8Array.of(0x12, index, 0, 0));
  refuses("DECODE_ERROR", () => parse(concat(...many)));
  refuses("DECODE_ERROR", () => parse(Uint8Array.of(0, 23, 0, 1, 0)));
  refuses("ILLEGAL_PARAMETER", () => parse(Uint8Array.of(0, 1, 0, 1, 5)));
  refuses("DECODE_ERROR", () => parse(Uint8Array.of(0, 10, 0, 3, 0, 1, 29)));
  const name = vector(2, Buffer.from("a\u0000b", "latin1"));
  refuses("DECODE_ERROR", () => parse(concat(Uint8Array.of(0, 0), vector(2, vector(2, Uint8Array.of(0), name)))));
});

test("a server has only what its client has offered", () => {
  const answer = encodeExtensions({ extendedMasterSecret: true, connectionId: new Uint8Array(1) }, "server");
  const { present } = parseExtensions(new FieldReader(answer), "server");
  assert.equal(notOffered(present, { extendedMasterSecret: true }), 54);
  assert.equal(notOffered(present, { extendedMasterSecret: true, connectionId: new Uint8Array(0) }), undefined);
});

test("whatever comes, it is read or refused with an alert", () => {
  const parsers = [
    parseClientHello,
    parseServerHello,
    parseHelloVerifyRequest,
    parseCertificateChain,
    parseRawPublicKey,
    parseCertificateRequest,
    parseCertificateVerify,
    parseFragments,
    (body: Uint8Array) => parseServerKeyExchange(body, "ecdhe_ecdsa"),
    (body: Uint8Array) => parseClientKeyExchange(body, "ecdhe_psk"),
  ];
  const property = fc.property(bytes(0, 300), fc.constantFrom(...parsers), (body, parse) => {
    try {
      parse(body);
    } catch (error) {
      assert.ok(error instanceof DtlsError, String(error));
    }
  });
  fc.assert(property, { numRuns: 20_000 });
});
