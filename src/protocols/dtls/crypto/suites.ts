export type KeyExchange = "psk" | "ecdhe_psk" | "ecdhe_ecdsa";
export type Hash = "sha256" | "sha384";

/** A cipher suite of DTLS 1.2. All are AEAD: what CBC needs to be safe (RFC 7366) few peers have, and none needs CBC. */
export interface Suite {
  readonly id: number;
  /** As IANA writes it, without `TLS_`. */
  readonly name: string;
  readonly keyExchange: KeyExchange;
  readonly cipher: "aes-128-ccm" | "aes-256-ccm" | "aes-128-gcm" | "aes-256-gcm";
  /** Bytes. */
  readonly keyLength: 16 | 32;
  /** Bytes. */
  readonly tagLength: 8 | 16;
  /** Of the pseudorandom function and of the transcript. */
  readonly hash: Hash;
}

/**
 * In order of preference: forward secrecy first. CCM_8 is first among its own because devices have no other (RFC 7925 4.2, 4.4), and
 * a peer that offers it beside GCM is as safe with it. RFC 5487, 6655, 7251, 8422, 8442, 5289.
 */
export const SUITES: readonly Suite[] = [
  suite(0xc0ae, "ecdhe_ecdsa", "ECDHE_ECDSA_WITH_AES_128_CCM_8", "aes-128-ccm", 8),
  suite(0xc0ac, "ecdhe_ecdsa", "ECDHE_ECDSA_WITH_AES_128_CCM", "aes-128-ccm", 16),
  suite(0xc02b, "ecdhe_ecdsa", "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "aes-128-gcm", 16),
  suite(0xc02c, "ecdhe_ecdsa", "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "aes-256-gcm", 16, "sha384"),
  suite(0xd001, "ecdhe_psk", "ECDHE_PSK_WITH_AES_128_GCM_SHA256", "aes-128-gcm", 16),
  suite(0xd003, "ecdhe_psk", "ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "aes-128-ccm", 8),
  suite(0xd005, "ecdhe_psk", "ECDHE_PSK_WITH_AES_128_CCM_SHA256", "aes-128-ccm", 16),
  suite(0x00a8, "psk", "PSK_WITH_AES_128_GCM_SHA256", "aes-128-gcm", 16),
  suite(0x00a9, "psk", "PSK_WITH_AES_256_GCM_SHA384", "aes-256-gcm", 16, "sha384"),
  suite(0xc0a8, "psk", "PSK_WITH_AES_128_CCM_8", "aes-128-ccm", 8),
  suite(0xc0a4, "psk", "PSK_WITH_AES_128_CCM", "aes-128-ccm", 16),
  // The 256-bit CCM suites have the SHA-256 function all the same (RFC 6655 3).
  suite(0xc0a9, "psk", "PSK_WITH_AES_256_CCM_8", "aes-256-ccm", 8),
  suite(0xc0a5, "psk", "PSK_WITH_AES_256_CCM", "aes-256-ccm", 16),
];

const BY_ID: ReadonlyMap<number, Suite> = new Map(SUITES.map((suite) => [suite.id, suite]));

export function suiteOf(id: number): Suite | undefined {
  return BY_ID.get(id);
}

function suite(
  id: number,
  keyExchange: KeyExchange,
  name: string,
  cipher: Suite["cipher"],
  tagLength: Suite["tagLength"],
  hash: Hash = "sha256",
): Suite {
  return { id, name, keyExchange, cipher, keyLength: cipher.startsWith("aes-128") ? 16 : 32, tagLength, hash };
}
