/** Content types (RFC 5246 6.2.1, RFC 9146 3). */
export const CONTENT = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** A record with a connection id. */
  cid: 25,
} as const;

/** DTLS 1.2 (RFC 6347 4.1). The first ClientHello and its answer may come in records of DTLS 1.0. */
export const DTLS12 = 0xfefd;
const DTLS10 = 0xfeff;
/** Type, version, epoch, sequence number, length, where there is no connection id. */
export const HEADER_LENGTH = 13;
const CID_AT = 11;
/** RFC 5246 6.2.1: of what is protected, bytes. */
export const MAX_PLAINTEXT = 16_384;
/** RFC 5246 6.2.3: protection adds at most this. */
const MAX_FRAGMENT = MAX_PLAINTEXT + 2_048;

/** One record as it is on the wire. Everything in it is a view of the datagram. */
export interface WireRecord {
  readonly type: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  /** Ours, by which the peer names the session. Empty where the record has none. */
  readonly cid: Uint8Array;
  readonly fragment: Uint8Array;
  /** The 8 bytes of epoch and sequence number. */
  readonly number: Uint8Array;
}

/** Why the rest of a datagram was not read. */
export type RecordFault =
  /** It ends within a record. */
  | "truncated"
  /** Not DTLS, or not DTLS 1.2. */
  | "version"
  /** Longer than any record may be (RFC 5246 6.2.3). */
  | "too_long";

export interface ParsedDatagram {
  readonly records: readonly WireRecord[];
  /** Undefined where it was read to the end. */
  readonly fault: RecordFault | undefined;
}

const EMPTY = new Uint8Array(0);

/** Never throws. `cidLength`: of the ids that we gave out, since a record does not tell (RFC 9146 4). */
export function parseDatagram(datagram: Uint8Array, cidLength: number): ParsedDatagram {
  // Not as the Buffer that it may be: `slice` of a Buffer is no copy, and who keeps some bytes would keep all of them.
  const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + HEADER_LENGTH > bytes.length) return { records, fault: "truncated" };
    const type = view.getUint8(at);
    const version = view.getUint16(at + 1);
    const epoch = view.getUint16(at + 3);
    // Protected records are of the version that was agreed on.
    if (version !== DTLS12 && (version !== DTLS10 || epoch !== 0)) return { records, fault: "version" };
    const cidBytes = type === CONTENT.cid ? cidLength : 0;
    const start = at + HEADER_LENGTH + cidBytes;
    if (start > bytes.length) return { records, fault: "truncated" };
    const length = view.getUint16(start - 2);
    if (length > MAX_FRAGMENT) return { records, fault: "too_long" };
    if (start + length > bytes.length) return { records, fault: "truncated" };
    records.push({
      type,
      epoch,
      sequence: view.getUint16(at + 5) * 0x1_0000_0000 + view.getUint32(at + 7),
      cid: cidBytes === 0 ? EMPTY : bytes.subarray(at + CID_AT, at + CID_AT + cidBytes),
      fragment: bytes.subarray(start, start + length),
      number: bytes.subarray(at + 3, at + CID_AT),
    });
    at = start + length;
  }
  return { records, fault: undefined };
}

/** Writes the header of a record with a fragment of `length` bytes; where the fragment goes. */
export function putHeader(
  bytes: Buffer,
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array,
  length: number,
): number {
  bytes[0] = type;
  bytes.writeUInt16BE(DTLS12, 1);
  bytes.writeUInt16BE(epoch, 3);
  bytes.writeUIntBE(sequence, 5, 6);
  bytes.set(cid, CID_AT);
  bytes.writeUInt16BE(length, CID_AT + cid.length);
  return HEADER_LENGTH + cid.length;
}
