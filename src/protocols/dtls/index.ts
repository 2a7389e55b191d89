/** DTLS 1.2, server and client, over node:crypto. README.md says what of it and how. */
export { type OwnKey, ownCertificate, ownRawPublicKey, type Trust, trustIn } from "./crypto/index.js";
export { type Suite, SUITES } from "./crypto/index.js";
export type { Counters, EndReason, Outcome } from "./endpoint/counters.js";
export {
  type ClientSide,
  DEFAULT_LIMITS,
  type DtlsOptions,
  type HandshakeFailure,
  type Limits,
  type ServerSide,
} from "./endpoint/options.js";
export { DtlsError, type DtlsErrorCode } from "./errors.js";
export { DEFAULT_TIMING, type Timing } from "./options.js";
export { type Clocks, type DtlsTransport, openDtls } from "./transport.js";
