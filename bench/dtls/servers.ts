import { execFile } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { locate } from "../../test/support/peers.js";
import type { Server } from "../coap/servers.js";

/** Text, of 16 bytes. Whoever has it is `IDENTITY`. */
export const KEY = "a key of sixteen";
export const IDENTITY = "bench";

/** DTLS is on the port above the one that it is started with. */
export interface DtlsServer extends Server {
  /** Whether it proves itself with a certificate too. */
  readonly certificate: boolean;
  /** It keeps as many sessions open as are asked of it. */
  readonly keeps: boolean;
}

/** Certificate and key in PEM. */
export interface Files {
  readonly certificate: string;
  readonly key: string;
}

/** One that signs itself. Undefined where openssl is missing. */
export async function makeCertificate(folder: string): Promise<Files | undefined> {
  const openssl = locate("openssl");
  if (openssl === undefined) return undefined;
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await promisify(execFile)(openssl, [
    "req",
    ...kind,
    ...["-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-days", "2"],
  ]);
  return { certificate, key };
}

/** The libraries alone, without a gateway. */
export function weir(files: Files | undefined): DtlsServer {
  const program = join(import.meta.dirname, "weir-server.js");
  const own = files === undefined ? [] : [files.certificate, files.key];
  return {
    name: "weir",
    command: (port) => [execPath, program, String(port), IDENTITY, KEY, ...own],
    takes: { method: "post", path: "readings" },
    observable: "",
    certificate: files !== undefined,
    keeps: true,
  };
}

/** libcoap's example server over OpenSSL. It keeps a hundred sessions. */
export function libcoap(program: string): DtlsServer {
  return {
    name: "libcoap",
    command: (port) => [program, "-A", "127.0.0.1", "-p", String(port), "-v", "0", "-k", KEY, "-h", "weir"],
    takes: { method: "put", path: "example_data" },
    observable: "",
    certificate: false,
    keeps: false,
  };
}
