import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { ListenerTls } from "../../../config/index.js";

/** TLS 1.3. Those with SHA-256 first: OpenSSL takes a pre-shared key with no other. */
const TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"];

/** TLS 1.2: forward secrecy and authenticated encryption, nothing else (RFC 9325 4.2). */
const CERTIFICATE = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

/** Those without a key exchange are what small devices have: who learns the key can read what was recorded. */
const PSK = [
  "ECDHE-PSK-CHACHA20-POLY1305",
  "DHE-PSK-AES256-GCM-SHA384",
  "PSK-AES128-GCM-SHA256",
  "PSK-CHACHA20-POLY1305",
  "PSK-AES256-GCM-SHA384",
];

/** Whether a listener is told who a client is by the handshake. */
export function identifies(tls: ListenerTls): boolean {
  return tls.psk !== undefined || tls.clientCertificate !== "none";
}

/**
 * What OpenSSL is told beside the files. No tickets where clients prove who they are: a session that is resumed proves it
 * without asking the revocation list or the file of keys again, and in TLS 1.3 it looks like a pre-shared key.
 */
export function contextOptions(tls: ListenerTls): SecureContextOptions {
  const suites = [...TLS13, ...(tls.cert === undefined ? [] : CERTIFICATE), ...(tls.psk === undefined ? [] : PSK)];
  return {
    minVersion: "TLSv1.2",
    ciphers: suites.join(":"),
    honorCipherOrder: true,
    ...(tls.psk === undefined ? {} : { dhparam: "auto" }),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (identifies(tls) ? constants.SSL_OP_NO_TICKET : 0),
  };
}
