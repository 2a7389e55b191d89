import { createHash, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";

export type Algorithm = "HS256" | "RS256" | "ES256";

export interface VerificationKey {
  /** Fixed by the configuration. What a token says of its algorithm is compared, never followed (RFC 8725 3.1). */
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  /** Another one for another key. */
  readonly fingerprint: string;
}

/** RFC 7518 3.2 and 3.3: a secret as long as the digest, 2,048 bits. What is longer than the upper bound costs too much each time. */
const SHORTEST_SECRET = 32;
const RSA_BITS = { least: 2_048, most: 8_192 };

/** The key in a file of that text, or why it is none for the algorithm, in words that follow the file's name. Never quotes it. */
export function parseKey(algorithm: Algorithm, text: string): VerificationKey | string {
  const key = algorithm === "HS256" ? secretKey(text) : publicKey(algorithm, text);
  if (typeof key === "string") return key;
  return { algorithm, key, fingerprint: createHash("sha256").update(`${algorithm}\n${text}`).digest("hex") };
}

function secretKey(text: string): KeyObject | string {
  // Whoever has the public key could sign with it.
  if (text.includes("-----BEGIN")) return "holds a PEM key: HS256 needs a secret, or did you mean RS256 or ES256?";
  const secret = Buffer.from(text.replace(/\r?\n$/, ""));
  if (secret.length < SHORTEST_SECRET) return `holds a secret of less than ${SHORTEST_SECRET} bytes`;
  return createSecretKey(secret);
}

function publicKey(algorithm: "RS256" | "ES256", text: string): KeyObject | string {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return "holds a private key: the gateway needs the public one alone, and must not be able to sign";
  const key = readPem(text);
  if (key === undefined) return "holds no public key or certificate in PEM form";
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (algorithm === "ES256")
    return key.asymmetricKeyType === "ec" && namedCurve === "prime256v1"
      ? key
      : "holds no key on the curve P-256, which ES256 needs";
  if (key.asymmetricKeyType !== "rsa") return "holds no RSA key, which RS256 needs";
  return modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most
    ? key
    : `holds an RSA key of ${modulusLength} bits: it must have between ${RSA_BITS.least} and ${RSA_BITS.most}`;
}

function readPem(text: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: text, format: "pem" });
  } catch {
    // OpenSSL's words name no place, and may quote.
    return undefined;
  }
}
