import { execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
  /** A certificate for 127.0.0.1, or for other names as openssl writes them, with this serial, in files of this name. */
  issue(name: string, serial: number, names?: string): Certificate;
  /** A revocation list with these serials, PEM; its next update is told as `YYMMDDHHMMSSZ`, in a day if left out. */
  revoke(name: string, serials: readonly number[], nextUpdate?: string): string;
}

/** A certificate authority of the test's own, which is gone with the test. `needs("openssl")` goes with it. */
export function makeAuthority(t: TestContext): Authority {
  const folder = mkdtempSync(join(tmpdir(), "weir-authority-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const make = (name: string, ...more: string[]): Certificate => {
    const file = join(folder, name.replaceAll("/", "_"));
    const [cert, key] = [`${file}.crt`, `${file}.key`];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", key, "-out", cert, "-days", "2", "-subj", `/CN=${name}`];
    execFileSync("openssl", ["req", "-x509", ...curve, ...out, ...more], { stdio: ["ignore", "ignore", "pipe"] });
    return { cert, key };
  };
  const own = make("authority");
  const signed = ["-CA", own.cert, "-CAkey", own.key];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const issue: Authority["issue"] = (name, serial, names = "IP:127.0.0.1") =>
    make(name, ...signed, "-addext", `subjectAltName=${names}`, ...leaf, "-set_serial", `${serial}`);
  const revoke: Authority["revoke"] = (name, serials, nextUpdate) => {
    const [config, database, list] = ["cnf", "index", "crl"].map((end) => join(folder, `${name}.${end}`));
    if (config === undefined || database === undefined || list === undefined) throw new Error("unreachable");
    const hex = (serial: number): string =>
      serial
        .toString(16)
        .toUpperCase()
        .replace(/^(.(..)*)$/, "0$1");
    const lines = serials.map((serial) => `R\t491231235959Z\t240101000000Z\t${hex(serial)}\tunknown\t/CN=gone\n`);
    writeFileSync(database, lines.join(""));
    writeFileSync(config, `[ca]\ndefault_ca = own\n[own]\ndatabase = ${database}\ndefault_md = sha256\n`);
    const times = nextUpdate ? ["-crl_lastupdate", "200101000000Z", "-crl_nextupdate", nextUpdate] : ["-crldays", "2"];
    const files = ["-config", config, "-cert", own.cert, "-keyfile", own.key, "-out", list];
    execFileSync("openssl", ["ca", "-gencrl", ...files, ...times], { stdio: ["ignore", "ignore", "pipe"] });
    return list;
  };
  return { ca: own.cert, issue, revoke };
}

/** Puts one certificate, or its parts, in the place of another, as a tool that renews them does. */
export function replace(old: Certificate, renewed: Certificate, ...parts: (keyof Certificate)[]): void {
  for (const part of parts) renameSync(renewed[part], old[part]);
}
