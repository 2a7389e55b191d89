/** SenML (RFC 8428) in JSON and CBOR. Knows nothing of a gateway. */
export { decodeSenmlCbor, encodeSenmlCbor } from "./cbor.js";
export { decodeSenmlJson, encodeSenmlJson } from "./json.js";
export type { EncodeOptions } from "./pack.js";
export {
  type ResolvedRecord,
  SENML_CBOR,
  SENML_JSON,
  SenmlError,
  type SenmlRecord,
  type SenmlValue,
} from "./record.js";
export type { ResolveOptions } from "./resolve.js";
export { type DecodeLimits, decodeStrictCbor, decodeStrictJson } from "./strict.js";
