export { ownCertificate, ownRawPublicKey, type OwnKey, type Trust, trustIn } from "./credentials.js";
export { type EphemeralKey, ephemeralKey, type Group, GROUPS, groupOf } from "./ecdh.js";
export { type CheckedPeer, checkChain, checkRawPublicKey } from "./peer.js";
export {
  ecdhePskPremaster,
  extendedMasterSecret,
  masterSecret,
  pskPremaster,
  type Side,
  sameBytes,
  type TrafficKeys,
  trafficKeys,
  verifyData,
} from "./secrets.js";
export {
  isSignatureScheme,
  keyExchangeInput,
  schemeFor,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  sign,
  verify,
} from "./signature.js";
export { type Hash, type KeyExchange, type Suite, SUITES, suiteOf } from "./suites.js";
