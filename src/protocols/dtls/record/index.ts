export { type OpenFault, type Opened, Opener, PlaintextWriter, type RecordWriter, Sealer } from "./protection.js";
export {
  CONTENT,
  DTLS12,
  HEADER_LENGTH,
  MAX_PLAINTEXT,
  type ParsedDatagram,
  parseDatagram,
  type RecordFault,
  type WireRecord,
} from "./record.js";
