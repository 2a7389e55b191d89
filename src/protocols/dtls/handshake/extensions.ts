import { DtlsError } from "../errors.js";
import { concat, decodeError, FieldReader, uint16, uint16Bytes, uint16List, vector } from "./fields.js";

/** Of the hellos, by the numbers of IANA. 53 was Connection ID in the drafts, with other additional data: not spoken. */
const TYPES = {
  serverName: 0,
  maxFragmentLength: 1,
  groups: 10,
  pointFormats: 11,
  signatureSchemes: 13,
  clientCertificateTypes: 19,
  serverCertificateTypes: 20,
  extendedMasterSecret: 23,
  connectionId: 54,
  renegotiationInfo: 0xff01,
} as const satisfies Record<keyof Extensions, number>;

export const CERTIFICATE_TYPES = { x509: 0, rawPublicKey: 2 } as const;
/** max_fragment_length by its number, RFC 6066 4. */
export const FRAGMENT_LENGTHS: Readonly<Record<number, number>> = { 1: 512, 2: 1024, 3: 2048, 4: 4096 };

/** What a hello has beyond its fields. A list that is left out was not there, which is not the same as an empty one. */
export interface Extensions {
  /** A client's: a DNS name (RFC 6066 3). A server has the extension without a name in it. */
  readonly serverName?: string;
  /** A number of RFC 6066 4. */
  readonly maxFragmentLength?: number;
  readonly groups?: readonly number[];
  readonly pointFormats?: readonly number[];
  readonly signatureSchemes?: readonly number[];
  /** In the order of the client's preference; a server's is one (RFC 7250 3). */
  readonly clientCertificateTypes?: readonly number[];
  readonly serverCertificateTypes?: readonly number[];
  readonly extendedMasterSecret?: true;
  /** What the sender wants to be sent in records to it; empty: none (RFC 9146 3). */
  readonly connectionId?: Uint8Array;
  /** RFC 5746 3.2. */
  readonly renegotiationInfo?: Uint8Array;
}

export type Hello = "client" | "server";

/** More than any hello has: what a repeated extension costs is bounded. */
const MAX_EXTENSIONS = 64;
const HOST_NAME = 0;
const MAX_HOST_NAME = 255;
/** In ASCII, for that is what A-labels are (RFC 6066 3). */
const HOST_NAME_TEXT = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export interface ParsedExtensions {
  readonly extensions: Extensions;
  /** The numbers of all that were there, known or not. */
  readonly present: ReadonlySet<number>;
}

/** The rest of a hello: nothing, or the list. Throws DtlsError. */
export function parseExtensions(fields: FieldReader, hello: Hello): ParsedExtensions {
  const present = new Set<number>();
  let extensions: Extensions = {};
  if (fields.left === 0) return { extensions, present };
  const list = new FieldReader(fields.vector16(0));
  fields.end();
  while (list.left > 0) {
    const type = list.uint16();
    const body = new FieldReader(list.vector16(0));
    // "There MUST NOT be more than one extension of the same type" (RFC 5246 7.4.1.4).
    if (present.has(type)) throw new DtlsError("ILLEGAL_PARAMETER", `extension ${type} twice`);
    if (present.size === MAX_EXTENSIONS) throw decodeError(`more than ${MAX_EXTENSIONS} extensions`);
    present.add(type);
    const known = parseExtension(type, body, hello);
    if (known === undefined) continue;
    body.end();
    extensions = { ...extensions, ...known };
  }
  return { extensions, present };
}

/** Undefined for those that we do not know: they are ignored (RFC 5246 7.4.1.4). */
function parseExtension(type: number, body: FieldReader, hello: Hello): Extensions | undefined {
  switch (type) {
    case TYPES.serverName:
      return hello === "client" ? parseServerName(body) : {};
    case TYPES.maxFragmentLength: {
      const maxFragmentLength = body.uint8();
      if (FRAGMENT_LENGTHS[maxFragmentLength] === undefined) {
        throw new DtlsError("ILLEGAL_PARAMETER", `max_fragment_length ${maxFragmentLength} [RFC 6066 4]`);
      }
      return { maxFragmentLength };
    }
    case TYPES.groups:
      return { groups: uint16List(body.vector16(2)) };
    case TYPES.pointFormats:
      return { pointFormats: [...body.vector8(1)] };
    case TYPES.signatureSchemes:
      return { signatureSchemes: uint16List(body.vector16(2)) };
    case TYPES.clientCertificateTypes:
      return { clientCertificateTypes: parseCertificateTypes(body, hello) };
    case TYPES.serverCertificateTypes:
      return { serverCertificateTypes: parseCertificateTypes(body, hello) };
    case TYPES.extendedMasterSecret:
      return { extendedMasterSecret: true };
    case TYPES.connectionId:
      return { connectionId: body.vector8(0) };
    case TYPES.renegotiationInfo:
      return { renegotiationInfo: body.vector8(0) };
    default:
      return undefined;
  }
}

function parseCertificateTypes(body: FieldReader, hello: Hello): number[] {
  return hello === "client" ? [...body.vector8(1)] : [body.uint8()];
}

function parseServerName(body: FieldReader): Extensions {
  const list = new FieldReader(body.vector16(1));
  let serverName: string | undefined;
  while (list.left > 0) {
    const type = list.uint8();
    const name = Buffer.from(list.vector16(1)).toString("latin1");
    if (type !== HOST_NAME) continue;
    if (serverName !== undefined) throw new DtlsError("ILLEGAL_PARAMETER", "two host names [RFC 6066 3]");
    if (name.length > MAX_HOST_NAME || !HOST_NAME_TEXT.test(name)) throw decodeError("a host name that is none");
    serverName = name;
  }
  return serverName === undefined ? {} : { serverName };
}

/** With the length in front; nothing where there is no extension, which old peers like better than an empty list. */
export function encodeExtensions(extensions: Extensions, hello: Hello): Uint8Array {
  const list: Uint8Array[] = [];
  const add = (type: number, body: Uint8Array): void => {
    list.push(uint16(type), vector(2, body));
  };
  const types = (of: readonly number[]): Uint8Array =>
    hello === "client" ? vector(1, Uint8Array.from(of)) : Uint8Array.from(of);
  const { serverName, maxFragmentLength, groups, pointFormats, signatureSchemes } = extensions;
  if (serverName !== undefined) {
    const name = vector(2, Buffer.from(serverName, "latin1"));
    add(TYPES.serverName, vector(2, Uint8Array.of(HOST_NAME), name));
  }
  if (maxFragmentLength !== undefined) add(TYPES.maxFragmentLength, Uint8Array.of(maxFragmentLength));
  if (groups !== undefined) add(TYPES.groups, vector(2, uint16Bytes(groups)));
  if (pointFormats !== undefined) add(TYPES.pointFormats, vector(1, Uint8Array.from(pointFormats)));
  if (signatureSchemes !== undefined) add(TYPES.signatureSchemes, vector(2, uint16Bytes(signatureSchemes)));
  const { clientCertificateTypes, serverCertificateTypes, connectionId, renegotiationInfo } = extensions;
  if (clientCertificateTypes !== undefined) add(TYPES.clientCertificateTypes, types(clientCertificateTypes));
  if (serverCertificateTypes !== undefined) add(TYPES.serverCertificateTypes, types(serverCertificateTypes));
  if (extensions.extendedMasterSecret === true) add(TYPES.extendedMasterSecret, new Uint8Array(0));
  if (connectionId !== undefined) add(TYPES.connectionId, vector(1, connectionId));
  if (renegotiationInfo !== undefined) add(TYPES.renegotiationInfo, vector(1, renegotiationInfo));
  return list.length === 0 ? new Uint8Array(0) : vector(2, concat(...list));
}

/** The number of the first extension of a server that its client did not offer (RFC 5246 7.4.1.4). */
export function notOffered(present: ReadonlySet<number>, offered: Extensions): number | undefined {
  const numbers = (Object.keys(offered) as (keyof Extensions)[]).map((name) => TYPES[name]);
  return [...present].find((type) => !numbers.some((number) => number === type));
}
