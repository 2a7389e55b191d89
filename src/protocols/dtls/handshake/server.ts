import {
  type EphemeralKey,
  ecdhePskPremaster,
  ephemeralKey,
  keyExchangeInput,
  pskPremaster,
  SIGNATURE_SCHEMES,
  sign,
} from "../crypto/index.js";
import { DtlsError } from "../errors.js";
import type { Established } from "../established.js";
import type { ServerOptions } from "../options.js";
import type { Session } from "../session.js";
import type { FlightPart } from "./flight.js";
import type { Handshake, Step } from "./handshake.js";
import { ECDSA_SIGN, encodeCertificateRequest } from "./messages/certificate-request.js";
import { DTLS_1_2, RENEGOTIATION_SCSV } from "./messages/client-hello.js";
import { parseClientKeyExchange } from "./messages/client-key-exchange.js";
import { HANDSHAKE_TYPES, type HandshakeMessage, type HandshakeType } from "./messages/header.js";
import { encodeServerHello } from "./messages/server-hello.js";
import { encodeEcdhParameters, encodeServerKeyExchange } from "./messages/server-key-exchange.js";
import { parseCertificateVerify } from "./messages/signed.js";
import { checkSigned, encodeOwnCertificate, type PeerCertificate, readPeerCertificate } from "./peer-certificate.js";
import { type Agreed, checkFinished, deriveMaster, epochKeys, finishedMessage, pskDigest } from "./secrets.js";
import { agreeOnExtensions, type Choice, choose, plaintextLimit, resumable } from "./server-choice.js";
import { Transcript } from "./transcript.js";
import type { VerifiedHello } from "./verified-hello.js";

const EMPTY = new Uint8Array(0);
const SESSION_ID_LENGTH = 32;
/** RFC 4279 5.3 asks for 128 at least. */
const MAX_IDENTITY = 128;
const MAX_PSK = 64;
/** Of the key that stands in for one that there is not. */
const DECOY_LENGTH = 16;

type State = "certificate" | "key_exchange" | "certificate_verify" | "finished" | "over";

/** The server's side (RFC 5246 7.3, with 7.4 for each message). */
export class ServerHandshake implements Handshake {
  readonly clientRandom: Uint8Array;
  readonly firstSequence: number;
  readonly maxPlaintext: number;
  readonly #verified: VerifiedHello;
  readonly #options: ServerOptions;
  readonly #serverRandom: Uint8Array;
  readonly #transcript = new Transcript();
  #state: State = "over";
  #sequence: number;
  #agreed: Agreed | undefined;
  #choice: Choice | undefined;
  #ephemeral: EphemeralKey | undefined;
  #sessionId: Uint8Array = EMPTY;
  /** The session that goes on. */
  #resumed: Session | undefined;
  #master: Buffer | undefined;
  /** It claimed an identity, and we have a key for it. */
  #psk: { readonly identity: string; readonly digest: Buffer } | undefined;
  #peer: PeerCertificate | undefined;
  #claimed: string | undefined;

  constructor(verified: VerifiedHello, options: ServerOptions) {
    const { hello, messageSequence } = verified;
    // The hello is a view of a datagram.
    this.clientRandom = hello.random.slice();
    this.firstSequence = messageSequence + 1;
    this.maxPlaintext = plaintextLimit(hello);
    this.#verified = verified;
    this.#options = options;
    this.#serverRandom = options.random(32);
    this.#sequence = messageSequence;
  }

  get claimed(): string | undefined {
    return this.#claimed;
  }

  start(): Step {
    const { hello, body, messageSequence } = this.#verified;
    if (hello.version !== DTLS_1_2) throw new DtlsError("PROTOCOL_VERSION", "a client without DTLS 1.2");
    if ((hello.extensions.renegotiationInfo?.length ?? 0) > 0) {
      throw new DtlsError("HANDSHAKE_FAILURE", "a renegotiation of nothing [RFC 5746 3.6]");
    }
    this.#transcript.add({ type: HANDSHAKE_TYPES.client_hello, sequence: messageSequence, body: body.slice() });
    const session = resumable(hello, this.#options);
    return session === undefined ? this.#startFull() : this.#startResumed(session);
  }

  message(message: HandshakeMessage): Step {
    const { type, body } = message;
    switch (this.#state) {
      case "certificate":
        this.#expect(type, HANDSHAKE_TYPES.certificate);
        this.#readCertificate(body);
        this.#transcript.add(message);
        this.#state = "key_exchange";
        return {};
      case "key_exchange":
        this.#expect(type, HANDSHAKE_TYPES.client_key_exchange);
        this.#transcript.add(message);
        this.#state = this.#peer === undefined ? "finished" : "certificate_verify";
        return this.#deriveKeys(body);
      case "certificate_verify":
        this.#expect(type, HANDSHAKE_TYPES.certificate_verify);
        if (this.#peer !== undefined) {
          checkSigned(parseCertificateVerify(body), this.#peer, this.#transcript.bytes());
        }
        this.#transcript.add(message);
        this.#state = "finished";
        return {};
      case "finished":
        this.#expect(type, HANDSHAKE_TYPES.finished);
        return this.#finish(message);
      case "over":
        throw new DtlsError("UNEXPECTED_MESSAGE", "a message after the handshake");
    }
  }

  forget(): void {
    this.#state = "over";
    this.#master?.fill(0);
    this.#master = undefined;
    this.#ephemeral = undefined;
    this.#transcript.clear();
  }

  #expect(type: number, expected: HandshakeType): void {
    if (type === expected) return;
    throw new DtlsError("UNEXPECTED_MESSAGE", `handshake message ${type} in place of ${expected}`);
  }

  #agree(choice: Pick<Choice, "suite">): Agreed {
    const { extensions } = this.#verified.hello;
    const cid = this.#options.cid;
    const agreed = {
      suite: choice.suite,
      clientRandom: this.clientRandom,
      serverRandom: this.#serverRandom,
      extendedMasterSecret: extensions.extendedMasterSecret === true,
      ownCid: (extensions.connectionId && cid) ?? EMPTY,
      peerCid: cid === undefined ? EMPTY : (extensions.connectionId?.slice() ?? EMPTY),
    };
    this.#agreed = agreed;
    return agreed;
  }

  #startFull(): Step {
    const { hello } = this.#verified;
    const choice = choose(hello, this.#options);
    const agreed = this.#agree(choice);
    this.#choice = choice;
    const resumableLater = this.#options.resume !== undefined && agreed.extendedMasterSecret;
    this.#sessionId = resumableLater ? this.#options.random(SESSION_ID_LENGTH) : EMPTY;
    const parts = [this.#serverHello(agreed, choice)];
    if (choice.key !== undefined) {
      parts.push(this.#write(HANDSHAKE_TYPES.certificate, encodeOwnCertificate(choice.key)));
    }
    const exchange = this.#keyExchange(agreed, choice);
    if (exchange !== undefined) parts.push(this.#write(HANDSHAKE_TYPES.server_key_exchange, exchange));
    if (choice.clientCertificateType !== undefined) {
      const signatureSchemes = Object.values(SIGNATURE_SCHEMES);
      const request = encodeCertificateRequest({ types: [ECDSA_SIGN], signatureSchemes, authorities: EMPTY });
      parts.push(this.#write(HANDSHAKE_TYPES.certificate_request, request));
    }
    parts.push(this.#write(HANDSHAKE_TYPES.server_hello_done, EMPTY));
    this.#state = choice.clientCertificateType === undefined ? "key_exchange" : "certificate";
    return { flight: { parts, answers: this.firstSequence - 1, last: false } };
  }

  #startResumed(session: Session): Step {
    const agreed = this.#agree(session);
    this.#resumed = session;
    this.#sessionId = session.id;
    // A copy: ours is overwritten in the end, and the session may go on again.
    const master = Buffer.from(session.master);
    this.#master = master;
    const hello = this.#serverHello(agreed, undefined);
    const finished = finishedMessage(agreed, master, "server", this.#transcript, this.#sequence++);
    this.#transcript.add(finished);
    this.#state = "finished";
    const parts: FlightPart[] = [hello, "change_cipher_spec", finished];
    const keys = epochKeys(agreed, master, "server");
    return { keys, flight: { parts, answers: this.firstSequence - 1, last: false } };
  }

  /** A message of ours, which is in the transcript then. */
  #write(type: HandshakeType, body: Uint8Array): HandshakeMessage {
    const message = { type, sequence: this.#sequence++, body };
    this.#transcript.add(message);
    return message;
  }

  #serverHello({ suite }: Agreed, choice: Choice | undefined): HandshakeMessage {
    const { hello } = this.#verified;
    const secure = hello.extensions.renegotiationInfo !== undefined || hello.suites.includes(RENEGOTIATION_SCSV);
    const extensions = {
      ...agreeOnExtensions(hello, suite, choice, this.#options.cid),
      ...(secure ? { renegotiationInfo: EMPTY } : {}),
    };
    const { id } = suite;
    const random = this.#serverRandom;
    const body = encodeServerHello({ version: DTLS_1_2, random, sessionId: this.#sessionId, suite: id, extensions });
    return this.#write(HANDSHAKE_TYPES.server_hello, body);
  }

  /** Undefined: nothing needs to be said (RFC 4279 2). */
  #keyExchange(agreed: Agreed, { suite, group, key, scheme }: Choice): Uint8Array | undefined {
    const { hint } = this.#options.psk ?? {};
    const hintBytes = hint === undefined ? undefined : Buffer.from(hint, "utf8");
    if (suite.keyExchange === "psk" || group === undefined) {
      return hintBytes === undefined ? undefined : encodeServerKeyExchange({ hint: hintBytes });
    }
    const ephemeral = ephemeralKey(group.name);
    this.#ephemeral = ephemeral;
    const ecdh = { group: group.id, publicKey: ephemeral.publicKey };
    if (key === undefined || scheme === undefined) return encodeServerKeyExchange({ hint: hintBytes ?? EMPTY, ecdh });
    const input = keyExchangeInput(agreed.clientRandom, agreed.serverRandom, encodeEcdhParameters(ecdh));
    return encodeServerKeyExchange({ ecdh, signed: { scheme, signature: sign(scheme, key.privateKey, input) } });
  }

  #readCertificate(body: Uint8Array): void {
    const { trust, wall, clientCertificate } = this.#options;
    const type = this.#choice?.clientCertificateType;
    if (trust === undefined || type === undefined) throw new DtlsError("INTERNAL_ERROR", "nobody is believed");
    this.#peer = readPeerCertificate(body, type, trust, "client", wall, undefined);
    if (this.#peer === undefined && clientCertificate === "required") {
      throw new DtlsError("HANDSHAKE_FAILURE", "a client without a certificate [RFC 5246 7.4.6]");
    }
  }

  #deriveKeys(body: Uint8Array): Step {
    const agreed = this.#agreed;
    if (agreed === undefined) throw new DtlsError("INTERNAL_ERROR", "no suite");
    const { identity, publicKey } = parseClientKeyExchange(body, agreed.suite.keyExchange);
    const shared = publicKey === undefined ? undefined : this.#ephemeral?.sharedSecret(publicKey);
    this.#ephemeral = undefined;
    const premaster = identity === undefined ? shared : this.#pskPremaster(identity, shared);
    if (premaster === undefined) throw new DtlsError("INTERNAL_ERROR", "no key was exchanged");
    const master = deriveMaster(agreed, premaster, this.#transcript);
    this.#master = master;
    return { keys: epochKeys(agreed, master, "server") };
  }

  /**
   * An identity that there is not gets a key that nobody has, so that it fails as a wrong key does, and nobody learns which
   * identities there are (RFC 4279 2).
   */
  #pskPremaster(identityBytes: Uint8Array, shared: Buffer | undefined): Buffer {
    const decoy = this.#options.random(DECOY_LENGTH);
    const identity = identityText(identityBytes);
    this.#claimed = identity;
    const found = identity === undefined ? undefined : this.#options.psk?.lookup(identity);
    const usable = found !== undefined && found.length > 0 && found.length <= MAX_PSK;
    const key = usable ? found : decoy;
    const digest = pskDigest(key);
    this.#psk = usable && identity !== undefined ? { identity, digest } : undefined;
    const premaster = shared === undefined ? pskPremaster(key) : ecdhePskPremaster(shared, key);
    shared?.fill(0);
    return premaster;
  }

  #finish(message: HandshakeMessage): Step {
    const [agreed, master] = [this.#agreed, this.#master];
    if (agreed === undefined || master === undefined) throw new DtlsError("INTERNAL_ERROR", "no keys");
    checkFinished(agreed, master, "client", this.#transcript, message.body);
    if (this.#resumed !== undefined) return { established: this.#established(agreed, master) };
    if (agreed.suite.keyExchange !== "ecdhe_ecdsa" && this.#psk === undefined) {
      throw new DtlsError("DECRYPT_ERROR", "a key that nobody has");
    }
    this.#transcript.add(message);
    const finished = finishedMessage(agreed, master, "server", this.#transcript, this.#sequence++);
    const parts: FlightPart[] = ["change_cipher_spec", finished];
    const flight = { parts, answers: message.sequence, last: true };
    return { flight, established: this.#established(agreed, master) };
  }

  #established(agreed: Agreed, master: Buffer): Established {
    const { suite, ownCid, peerCid, extendedMasterSecret } = agreed;
    const identity = this.#resumed?.identity ?? this.#identity();
    const pskDigest = this.#resumed?.pskDigest ?? this.#psk?.digest;
    const session =
      this.#resumed !== undefined || this.#sessionId.length === 0
        ? undefined
        : {
            id: this.#sessionId,
            suite,
            master: Buffer.from(master),
            identity,
            pskDigest,
            validUntil: this.#peer?.validUntil ?? Number.POSITIVE_INFINITY,
          };
    const resumed = this.#resumed !== undefined;
    return { identity, suite, resumed, extendedMasterSecret, ownCid, peerCid, pskDigest, session };
  }

  #identity(): Established["identity"] {
    return this.#psk === undefined ? this.#peer?.identity : { kind: "psk", identity: this.#psk.identity };
  }
}

/** Undefined: too long, or not UTF-8 (RFC 4279 5.1). */
function identityText(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_IDENTITY) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
