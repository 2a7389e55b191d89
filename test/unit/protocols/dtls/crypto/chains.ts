import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface Made {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Paths of the same. */
  readonly files: { readonly cert: string; readonly key: string };
}

export interface Making {
  readonly signer?: Made;
  readonly subject?: string;
  /** As openssl writes extensions. */
  readonly extensions?: readonly string[];
  readonly key?: readonly string[];
  /** Whose key it has. A new one if left out. */
  readonly same?: Made;
  readonly more?: readonly string[];
}

const P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
export const RSA = ["-newkey", "rsa:2048"];
export const P521 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"];
export const AUTHORITY = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];

/** Makes certificates, valid for two days, that are gone with the test. `needs("openssl")` goes with it. */
export function maker(t: TestContext): (name: string, making?: Making) => Made {
  const folder = mkdtempSync(join(tmpdir(), "weir-chains-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let serial = 0;
  return (name, { signer, same, subject = `/CN=${name}`, extensions = [], key = P256, more = [] } = {}) => {
    const files = { cert: join(folder, `${++serial}.crt`), key: join(folder, `${serial}.key`) };
    if (same !== undefined) writeFileSync(files.key, same.key);
    const keys = same === undefined ? [...key, "-nodes", "-keyout", files.key] : ["-key", files.key];
    const out = ["-out", files.cert, "-days", "2", "-subj", subject];
    const signed = signer === undefined ? [] : ["-CA", signer.files.cert, "-CAkey", signer.files.key];
    // Without the extensions of the system's configuration.
    const added = ["-config", "/dev/null", ...extensions.flatMap((text) => ["-addext", text])];
    const args = ["req", "-x509", "-utf8", ...keys, ...out, ...signed, ...added, "-set_serial", `${serial}`, ...more];
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
    return { cert: readFileSync(files.cert, "utf8"), key: readFileSync(files.key, "utf8"), files };
  };
}
