import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import {
  type KeyExchange,
  type OwnKey,
  ownRawPublicKey,
  SUITES,
  type Suite,
  trustIn,
} from "../../../../../src/protocols/dtls/crypto/index.js";
import { type ClientOptions, DEFAULT_TIMING, type ServerOptions } from "../../../../../src/protocols/dtls/options.js";
import type { Session } from "../../../../../src/protocols/dtls/session.js";
import { seeded } from "../../../../support/random.js";
import { FAIR, Network } from "./network.js";

export const IDENTITY = "sensor-7";
export const KEY = Buffer.from("a key of the test");

const COMMON = {
  cid: undefined,
  mtu: 1200,
  timing: DEFAULT_TIMING,
  maxMessage: 16_384,
  random: (length: number) => randomBytes(length),
  wall: Date.now(),
  keys: [],
  trust: undefined,
};

export function suitesOf(keyExchange: KeyExchange): Suite[] {
  return SUITES.filter((suite) => suite.keyExchange === keyExchange);
}

export function pskClient(more: Partial<ClientOptions> = {}): ClientOptions {
  return {
    ...COMMON,
    suites: suitesOf("psk"),
    psk: { identity: IDENTITY, key: KEY },
    serverName: undefined,
    session: undefined,
    ...more,
  };
}

export function pskServer(more: Partial<ServerOptions> = {}): ServerOptions {
  return {
    ...COMMON,
    suites: SUITES,
    psk: { lookup: (identity) => (identity === IDENTITY ? KEY : undefined), hint: undefined },
    clientCertificate: "none",
    resume: undefined,
    ...more,
  };
}

/** A raw public key of its own, and its fingerprint. */
export function rawKey(curve: "P-256" | "P-384" = "P-256"): { key: OwnKey; fingerprint: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const key = ownRawPublicKey(privateKey as KeyObject);
  const [spki = new Uint8Array(0)] = key.message;
  return { key, fingerprint: createHash("sha256").update(spki).digest("hex") };
}

/** Both with raw public keys, each trusting the other's. */
export function rawKeyPair(): { client: ClientOptions; server: ServerOptions; fingerprints: [string, string] } {
  const [client, server] = [rawKey(), rawKey("P-384")];
  const suites = suitesOf("ecdhe_ecdsa");
  return {
    client: pskClient({ suites, psk: undefined, keys: [client.key], trust: trustIn([], [server.fingerprint]) }),
    server: pskServer({
      psk: undefined,
      keys: [server.key],
      trust: trustIn([], [client.fingerprint]),
      clientCertificate: "required",
    }),
    fingerprints: [client.fingerprint, server.fingerprint],
  };
}

/** The session of a handshake of these two. */
export function sessionOf(client: ClientOptions, server: (more: Partial<ServerOptions>) => ServerOptions): Session {
  const network = new Network(client, server({ resume: () => undefined }), FAIR, seeded(1));
  network.handshake();
  const session = network.server.established?.session;
  if (session === undefined) throw new Error("no session");
  return session;
}
