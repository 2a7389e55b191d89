import { execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string;
  /** A certificate for 127.0.0.1 with this serial, in files of this name. */
  issue(name: string, serial: number): Certificate;
}

/** A certificate authority of the test's own, which is gone with the test. `needs("openssl")` goes with it. */
export function makeAuthority(t: TestContext): Authority {
  const folder = mkdtempSync(join(tmpdir(), "weir-authority-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const make = (name: string, ...more: string[]): Certificate => {
    const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", key, "-out", cert, "-days", "2", "-subj", `/CN=${name}`];
    execFileSync("openssl", ["req", "-x509", ...curve, ...out, ...more], { stdio: ["ignore", "ignore", "pipe"] });
    return { cert, key };
  };
  const own = make("authority");
  const signed = ["-CA", own.cert, "-CAkey", own.key, "-addext", "subjectAltName=IP:127.0.0.1"];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
  return { ca: own.cert, issue: (name, serial) => make(name, ...signed, ...leaf, "-set_serial", `${serial}`) };
}

/** Puts one certificate, or its parts, in the place of another, as a tool that renews them does. */
export function replace(old: Certificate, renewed: Certificate, ...parts: (keyof Certificate)[]): void {
  for (const part of parts) renameSync(renewed[part], old[part]);
}
