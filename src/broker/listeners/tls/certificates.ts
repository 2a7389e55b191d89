import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf } from "../../../core/errors.js";
import { invalid, type PemBlock, pemBlocks } from "./files.js";

/** A certificate with the place that it has in its file. */
export interface PlacedCertificate {
  readonly certificate: X509Certificate;
  readonly line: number;
}

const CERTIFICATES = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/** All of a file, at least one. Throws CERTIFICATE_INVALID with the line. */
export function readCertificates(file: string, text: string): PlacedCertificate[] {
  const blocks = pemBlocks(file, text).filter(({ label }) => CERTIFICATES.includes(label));
  if (blocks.length === 0) throw invalid(file, "has no certificate (PEM: -----BEGIN CERTIFICATE-----)");
  return blocks.map(({ text: pem, line }) => {
    try {
      return { certificate: new X509Certificate(pem), line };
    } catch (error) {
      throw invalid(file, `is no certificate: ${messageOf(error)}`, line);
    }
  });
}

export function readKey(file: string, text: string): KeyObject {
  const block = pemBlocks(file, text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) throw invalid(file, "has no private key (PEM: -----BEGIN PRIVATE KEY-----)");
  if (isEncrypted(block))
    throw invalid(file, "is encrypted: store it without passphrase, readable by its owner only", block.line);
  try {
    return createPrivateKey(block.text);
  } catch (error) {
    throw invalid(file, `is no private key: ${messageOf(error)}`, block.line);
  }
}

function isEncrypted({ label, text }: PemBlock): boolean {
  return label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type: 4,ENCRYPTED/m.test(text);
}

/** Half of a renewal must never be used. Throws CERTIFICATE_INVALID. */
export function checkPair(
  cert: { readonly file: string; readonly certificates: readonly PlacedCertificate[] },
  key: { readonly file: string; readonly key: KeyObject },
): void {
  const [own, ...others] = cert.certificates;
  if (own === undefined || own.certificate.checkPrivateKey(key.key)) return;
  const other = others.find(({ certificate }) => certificate.checkPrivateKey(key.key));
  if (other !== undefined)
    throw invalid(cert.file, "the server's own certificate must be the first in the file", other.line);
  throw invalid(key.file, `the key does not belong to the certificate in ${cert.file}`);
}
