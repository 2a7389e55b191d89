import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { messageOf, WeirError } from "../../core/errors.js";

/** Paths of PEM files, and what else TLS is told. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn?: readonly string[];
  readonly rejectUnauthorized: boolean;
}

export interface CredentialOptions {
  /** The bridge's, for errors. */
  readonly id: string;
  readonly password?: string | undefined;
  /** In place of `password`. Read without its last line end. */
  readonly passwordFile?: string | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** What node:tls takes. */
export interface Certificates {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ALPNProtocols?: string[];
  readonly rejectUnauthorized: boolean;
}

export interface Credentials {
  readonly password: string | undefined;
  readonly certificates: Certificates | undefined;
  /** Another one where anything in the files is another. */
  readonly fingerprint: string;
}

/** No certificate or token is as long as this, in bytes: what is, is the wrong file. */
const LONGEST_FILE = 1024 * 1024;

/**
 * Reads all files anew: tokens and certificates are renewed while the gateway runs. Rejects with BRIDGE_FAILED where one cannot
 * be read, or where certificate and key are none or do not belong together, so that half of a renewal is never used.
 */
export async function readCredentials(options: CredentialOptions): Promise<Credentials> {
  const hash = createHash("sha256");
  const read = async (path: string | undefined): Promise<Buffer | undefined> => {
    const bytes = path === undefined ? undefined : await readBounded(path);
    hash.update(`${bytes?.length ?? -1} `).update(bytes ?? "");
    return bytes;
  };
  try {
    const token = await read(options.passwordFile);
    const { tls } = options;
    const [ca, cert, key] = [await read(tls?.ca), await read(tls?.cert), await read(tls?.key)];
    const certificates = tls && {
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
      ...(tls.alpn ? { ALPNProtocols: [...tls.alpn] } : {}),
      rejectUnauthorized: tls.rejectUnauthorized,
    };
    if (certificates) createSecureContext(certificates);
    const password = token?.toString("utf8").replace(/\r?\n$/, "") ?? options.password;
    return { password, certificates, fingerprint: hash.digest("hex") };
  } catch (cause) {
    throw new WeirError("BRIDGE_FAILED", `bridge ${options.id}: ${messageOf(cause)}`, { cause });
  }
}

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(LONGEST_FILE + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return Buffer.from(bytes.subarray(0, length));
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
  throw new Error(`${path} has more than ${LONGEST_FILE} bytes: it is no certificate and no token`);
}
