import {
  ecdhePskPremaster,
  ephemeralKey,
  groupOf,
  keyExchangeInput,
  type OwnKey,
  pskPremaster,
  type SignatureScheme,
  type Suite,
  sameBytes,
  schemeFor,
  sign,
} from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import type { Established } from "../established.js";
import type { ClientOptions } from "../options.js";
import { MAX_PLAINTEXT } from "../record/index.js";
import type { Session } from "../session.js";
import { chosen, mayGoOn, offer, usableSuites } from "./client-offer.js";
import { CERTIFICATE_TYPES, type Extensions, notOffered } from "./extensions.js";
import type { FlightPart } from "./flight.js";
import type { Handshake, Step } from "./handshake.js";
import { type CertificateRequest, ECDSA_SIGN, parseCertificateRequest } from "./messages/certificate-request.js";
import { DTLS_1_2, encodeClientHello, RANDOM_LENGTH } from "./messages/client-hello.js";
import { encodeClientKeyExchange } from "./messages/client-key-exchange.js";
import { HANDSHAKE_TYPES, type HandshakeMessage, type HandshakeType } from "./messages/header.js";
import { parseHelloVerifyRequest } from "./messages/hello-verify-request.js";
import { parseServerHello, type ServerHello } from "./messages/server-hello.js";
import { type EcdhParameters, encodeEcdhParameters, parseServerKeyExchange } from "./messages/server-key-exchange.js";
import { encodeSigned } from "./messages/signed.js";
import {
  certificateTypeOf,
  checkSigned,
  encodeOwnCertificate,
  type PeerCertificate,
  readPeerCertificate,
} from "./peer-certificate.js";
import { type Agreed, checkFinished, deriveMaster, epochKeys, finishedMessage, pskDigest } from "./secrets.js";
import { Transcript } from "./transcript.js";

const EMPTY = new Uint8Array(0);
/** A server asks once, and again when its secret has changed in between; more is somebody who wants to see hellos. */
const MAX_VERIFY_REQUESTS = 3;

type State = "hello" | "certificate" | "key_exchange" | "certificate_request" | "hello_done" | "finished" | "over";

/** The client's side (RFC 5246 7.3, with 7.4 for each message). */
export class ClientHandshake implements Handshake {
  readonly clientRandom: Uint8Array;
  readonly firstSequence = 0;
  // We ask for no less, and a server may not ask (RFC 6066 4).
  readonly maxPlaintext = MAX_PLAINTEXT;
  readonly #options: ClientOptions;
  readonly #suites: readonly Suite[];
  readonly #session: Session | undefined;
  readonly #extensions: Extensions;
  readonly #transcript = new Transcript();
  #state: State = "hello";
  #sequence = 0;
  #verifyRequests = 0;
  #agreed: Agreed | undefined;
  #sessionId: Uint8Array = EMPTY;
  #resumed = false;
  readonly claimed = undefined;
  /** The types of certificates that the server has chosen. */
  #serverCertificateType: number = CERTIFICATE_TYPES.x509;
  #clientCertificateType: number = CERTIFICATE_TYPES.x509;
  #peer: PeerCertificate | undefined;
  #ecdh: EcdhParameters | undefined;
  #request: CertificateRequest | undefined;
  #master: Buffer | undefined;

  /** Throws DtlsError OPTIONS where there are no credentials for any of the suites. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.clientRandom = options.random(RANDOM_LENGTH);
    this.#suites = usableSuites(options);
    this.#session = mayGoOn(options, this.#suites) ? copyOf(options.session) : undefined;
    this.#extensions = offer(options, this.#suites);
  }

  start(): Step {
    return this.#hello(EMPTY, -1);
  }

  message(message: HandshakeMessage): Step {
    const { type, body } = message;
    if (this.#state === "hello" && type === HANDSHAKE_TYPES.hello_verify_request) return this.#verifyRequest(message);
    if (type === HANDSHAKE_TYPES.finished) return this.#finish(message);
    // Those that may be left out go on to the next state as if they had been there.
    this.#skip(type);
    this.#transcript.add(message);
    switch (this.#state) {
      case "hello":
        this.#expect(type, HANDSHAKE_TYPES.server_hello);
        return this.#serverHello(body);
      case "certificate":
        this.#expect(type, HANDSHAKE_TYPES.certificate);
        this.#readCertificate(body);
        this.#state = "key_exchange";
        return {};
      case "key_exchange":
        this.#expect(type, HANDSHAKE_TYPES.server_key_exchange);
        this.#readKeyExchange(body);
        this.#state = this.#peer === undefined ? "hello_done" : "certificate_request";
        return {};
      case "certificate_request":
        this.#expect(type, HANDSHAKE_TYPES.certificate_request);
        this.#request = parseCertificateRequest(body);
        this.#state = "hello_done";
        return {};
      case "hello_done":
        this.#expect(type, HANDSHAKE_TYPES.server_hello_done);
        if (body.length > 0) throw new DtlsError("DECODE_ERROR", "a ServerHelloDone with a body");
        return this.#answer(message.sequence);
      default:
        throw new DtlsError("UNEXPECTED_MESSAGE", `handshake message ${type}`);
    }
  }

  forget(): void {
    this.#state = "over";
    this.#session?.master.fill(0);
    this.#master?.fill(0);
    this.#master = undefined;
    this.#transcript.clear();
  }

  #expect(type: number, expected: HandshakeType): void {
    if (type === expected) return;
    throw new DtlsError("UNEXPECTED_MESSAGE", `handshake message ${type} in place of ${expected}`);
  }

  /** A server with a pre-shared key may have no hint (RFC 4279 2), one with a certificate may not want ours. */
  #skip(type: number): void {
    if (type !== HANDSHAKE_TYPES.server_hello_done) return;
    const psk = this.#agreed?.suite.keyExchange === "psk";
    if (this.#state === "certificate_request" || (this.#state === "key_exchange" && psk)) this.#state = "hello_done";
  }

  /** A message of ours, which is in the transcript then. */
  #write(type: HandshakeType, body: Uint8Array): HandshakeMessage {
    const message = { type, sequence: this.#sequence++, body };
    this.#transcript.add(message);
    return message;
  }

  #hello(cookie: Uint8Array, answers: number): Step {
    const hello = this.#write(
      HANDSHAKE_TYPES.client_hello,
      encodeClientHello({
        version: DTLS_1_2,
        random: this.clientRandom,
        sessionId: this.#session?.id ?? EMPTY,
        cookie,
        suites: this.#suites.map(({ id }) => id),
        extensions: this.#extensions,
      }),
    );
    return { flight: { parts: [hello], answers, last: false } };
  }

  #verifyRequest({ sequence, body }: HandshakeMessage): Step {
    const { cookie } = parseHelloVerifyRequest(body);
    if (++this.#verifyRequests > MAX_VERIFY_REQUESTS) throw new DtlsError("UNEXPECTED_MESSAGE", "yet another cookie");
    // Neither the hello without it nor the request is hashed (RFC 6347 4.2.1).
    this.#transcript.clear();
    return this.#hello(cookie, sequence);
  }

  #serverHello(body: Uint8Array): Step {
    const { hello, present } = parseServerHello(body);
    if (hello.version !== DTLS_1_2) throw new DtlsError("PROTOCOL_VERSION", "a server without DTLS 1.2");
    const suite = this.#suites.find(({ id }) => id === hello.suite);
    if (suite === undefined) throw new DtlsError("ILLEGAL_PARAMETER", "a cipher suite that was not offered");
    const foreign = notOffered(present, this.#extensions);
    if (foreign !== undefined) throw new DtlsError("UNSUPPORTED_EXTENSION", `extension ${foreign} was not offered`);
    const { renegotiationInfo, clientCertificateTypes, serverCertificateTypes } = hello.extensions;
    if ((renegotiationInfo?.length ?? 0) > 0) {
      throw new DtlsError("HANDSHAKE_FAILURE", "a renegotiation of nothing [RFC 5746 3.4]");
    }
    this.#clientCertificateType = chosen(clientCertificateTypes, this.#extensions.clientCertificateTypes);
    this.#serverCertificateType = chosen(serverCertificateTypes, this.#extensions.serverCertificateTypes);
    const { connectionId } = hello.extensions;
    const agreed = {
      suite,
      clientRandom: this.clientRandom,
      serverRandom: hello.random.slice(),
      extendedMasterSecret: hello.extensions.extendedMasterSecret === true,
      ownCid: (connectionId && this.#options.cid) ?? EMPTY,
      peerCid: connectionId?.slice() ?? EMPTY,
    };
    this.#agreed = agreed;
    this.#sessionId = hello.sessionId.slice();
    const session = this.#session;
    if (session !== undefined && sameBytes(session.id, hello.sessionId)) return this.#resume(session, agreed, hello);
    this.#state = suite.keyExchange === "ecdhe_ecdsa" ? "certificate" : "key_exchange";
    return {};
  }

  #resume(session: Session, agreed: Agreed, { suite }: ServerHello): Step {
    if (suite !== session.suite.id) throw new DtlsError("ILLEGAL_PARAMETER", "a session with another cipher suite");
    // RFC 7627 5.3.
    if (!agreed.extendedMasterSecret) {
      throw new DtlsError("HANDSHAKE_FAILURE", "a session that was made with an extended master secret");
    }
    this.#resumed = true;
    this.#master = Buffer.from(session.master);
    this.#state = "finished";
    return { keys: epochKeys(agreed, this.#master, "client") };
  }

  #readCertificate(body: Uint8Array): void {
    const { trust, wall, serverName } = this.#options;
    if (trust === undefined) throw new DtlsError("INTERNAL_ERROR", "nobody is believed");
    this.#peer = readPeerCertificate(body, this.#serverCertificateType, trust, "server", wall, serverName);
    if (this.#peer === undefined) throw new DtlsError("DECODE_ERROR", "a server without a certificate");
  }

  #readKeyExchange(body: Uint8Array): void {
    const agreed = this.#agreement();
    const { ecdh, signed } = parseServerKeyExchange(body, agreed.suite.keyExchange);
    this.#ecdh = ecdh;
    if (ecdh === undefined || signed === undefined) return;
    const input = keyExchangeInput(agreed.clientRandom, agreed.serverRandom, encodeEcdhParameters(ecdh));
    if (this.#peer === undefined) throw new DtlsError("INTERNAL_ERROR", "nobody to have signed");
    checkSigned(signed, this.#peer, input);
  }

  /** The flight that ends in our Finished. */
  #answer(answers: number): Step {
    const agreed = this.#agreement();
    const parts: FlightPart[] = [];
    const signing = this.#request === undefined ? undefined : this.#signing(this.#request);
    if (this.#request !== undefined) {
      const certificate = signing === undefined ? Uint8Array.of(0, 0, 0) : encodeOwnCertificate(signing.key);
      parts.push(this.#write(HANDSHAKE_TYPES.certificate, certificate));
    }
    const { exchange, premaster } = this.#exchangeKeys(agreed);
    parts.push(this.#write(HANDSHAKE_TYPES.client_key_exchange, exchange));
    const master = deriveMaster(agreed, premaster, this.#transcript);
    this.#master = master;
    if (signing !== undefined) {
      const { key, scheme } = signing;
      const signature = sign(scheme, key.privateKey, this.#transcript.bytes());
      parts.push(this.#write(HANDSHAKE_TYPES.certificate_verify, encodeSigned({ scheme, signature })));
    }
    const finished = finishedMessage(agreed, master, "client", this.#transcript, this.#sequence++);
    this.#transcript.add(finished);
    parts.push("change_cipher_spec", finished);
    this.#state = "finished";
    return { keys: epochKeys(agreed, master, "client"), flight: { parts, answers, last: false } };
  }

  /** Undefined: we have nothing that the server takes, and say so (RFC 5246 7.4.6). */
  #signing({ types, signatureSchemes }: CertificateRequest): { key: OwnKey; scheme: SignatureScheme } | undefined {
    if (!types.includes(ECDSA_SIGN)) return undefined;
    for (const key of this.#options.keys) {
      const scheme = schemeFor(key.privateKey, signatureSchemes);
      if (certificateTypeOf(key) === this.#clientCertificateType && scheme !== undefined) return { key, scheme };
    }
    return undefined;
  }

  #exchangeKeys({ suite }: Agreed): { exchange: Uint8Array; premaster: Buffer } {
    const group = this.#ecdh === undefined ? undefined : groupOf(this.#ecdh.group);
    if (this.#ecdh !== undefined && group === undefined) {
      throw new DtlsError("ILLEGAL_PARAMETER", "a group that was not offered");
    }
    const ephemeral = group === undefined ? undefined : ephemeralKey(group);
    const shared = this.#ecdh === undefined ? undefined : ephemeral?.sharedSecret(this.#ecdh.publicKey);
    const publicKey = ephemeral === undefined ? {} : { publicKey: ephemeral.publicKey };
    const { psk } = this.#options;
    if (suite.keyExchange === "ecdhe_ecdsa") {
      if (shared === undefined) throw new DtlsError("INTERNAL_ERROR", "no key was exchanged");
      return { exchange: encodeClientKeyExchange(publicKey), premaster: shared };
    }
    if (psk === undefined) throw new DtlsError("INTERNAL_ERROR", "no pre-shared key");
    const identity = Buffer.from(psk.identity, "utf8");
    const premaster = shared === undefined ? pskPremaster(psk.key) : ecdhePskPremaster(shared, psk.key);
    shared?.fill(0);
    return { exchange: encodeClientKeyExchange({ identity, ...publicKey }), premaster };
  }

  #finish(message: HandshakeMessage): Step {
    if (this.#state !== "finished") throw new DtlsError("UNEXPECTED_MESSAGE", "a Finished too early");
    const agreed = this.#agreement();
    const master = this.#master;
    if (master === undefined) throw new DtlsError("INTERNAL_ERROR", "no keys");
    checkFinished(agreed, master, "server", this.#transcript, message.body);
    const established = this.#established(agreed, master);
    if (!this.#resumed) return { established };
    this.#transcript.add(message);
    const finished = finishedMessage(agreed, master, "client", this.#transcript, this.#sequence++);
    const parts: FlightPart[] = ["change_cipher_spec", finished];
    return { flight: { parts, answers: message.sequence, last: true }, established };
  }

  #established(agreed: Agreed, master: Buffer): Established {
    const { suite, ownCid, peerCid, extendedMasterSecret } = agreed;
    const { psk } = this.#options;
    const byKey = suite.keyExchange !== "ecdhe_ecdsa" && psk !== undefined;
    // With a pre-shared key the server has proved to have it too.
    const proved = byKey ? ({ kind: "psk", identity: psk.identity } as const) : this.#peer?.identity;
    const identity = this.#resumed ? this.#session?.identity : proved;
    const digest = byKey ? pskDigest(psk.key) : undefined;
    const session =
      this.#resumed || !extendedMasterSecret || this.#sessionId.length === 0
        ? undefined
        : {
            id: this.#sessionId,
            suite,
            master: Buffer.from(master),
            identity,
            pskDigest: digest,
            validUntil: this.#peer?.validUntil ?? Number.POSITIVE_INFINITY,
          };
    const resumed = this.#resumed;
    return { identity, suite, resumed, extendedMasterSecret, ownCid, peerCid, pskDigest: digest, session };
  }

  #agreement(): Agreed {
    if (this.#agreed === undefined) throw new DtlsError("INTERNAL_ERROR", "no suite");
    return this.#agreed;
  }
}

/**
 * Who keeps the session overwrites it when it is dropped, which may be before the server answers: with a secret of zeros anybody could then go on in
 * its place.
 */
function copyOf(session: Session | undefined): Session | undefined {
  return session === undefined ? undefined : { ...session, master: Buffer.from(session.master) };
}
