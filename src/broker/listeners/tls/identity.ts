import type { X509Certificate } from "node:crypto";
import type { ListenerTls } from "../../../config/index.js";

/** As long as an MQTT user name may be (MQTT-1.5.3); a certificate holds far less. Characters. */
const LONGEST = 1024;

const KINDS: Readonly<Record<string, string>> = { "san-dns": "DNS", "san-uri": "URI", "san-email": "email" };

/** The user name that a client's certificate holds; undefined if it has none. The certificate is good: an authority signed it. */
export function identityOf(certificate: X509Certificate, source: ListenerTls["identity"]): string | undefined {
  const name = nameOf(certificate, source);
  return name === undefined || name === "" || name.length > LONGEST || /[\p{Cc}\uFFFD]/u.test(name) ? undefined : name;
}

function nameOf(certificate: X509Certificate, source: ListenerTls["identity"]): string | undefined {
  if (source === "none") return undefined;
  if (source === "fingerprint") return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  if (source === "cn") {
    // Several common names come as a list: which of them counts would be a guess.
    const { CN: name } = certificate.toLegacyObject().subject as { readonly CN?: unknown };
    return typeof name === "string" ? name : undefined;
  }
  return alternativeNames(certificate.subjectAltName ?? "").find(({ kind }) => kind === KINDS[source])?.name;
}

/**
 * What Node writes as `DNS:a, URI:b`. A name with a comma, a quote or anything else that could be taken for the next one is
 * written as a JSON string (since the fix of CVE-2021-44532).
 */
export function alternativeNames(text: string): { readonly kind: string; readonly name: string }[] {
  const names: { kind: string; name: string }[] = [];
  const one = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (one.lastIndex < text.length) {
    const match = one.exec(text);
    // Beyond what cannot be read nothing is believed.
    if (match === null) return [];
    const [, kind = "", written = ""] = match;
    const name = written.startsWith('"') ? unquote(written) : written;
    if (name !== undefined) names.push({ kind, name });
  }
  return names;
}

function unquote(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
