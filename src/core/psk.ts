import { WeirError } from "./errors.js";

/** Pre-shared keys by identity. A map, so that no name from a wire meets an object's prototype. */
export type PskTable = ReadonlyMap<string, Buffer>;

/** Bytes. OpenSSL takes identities of up to 256 and keys of up to 512; a key below 16 can be tried through. */
const LONGEST_IDENTITY = 128;
const [SHORTEST_KEY, LONGEST_KEY] = [16, 64];
const MOST_IDENTITIES = 100_000;

/**
 * Reads lines of `identity:hexkey`, as mosquitto and EMQX write them: the first colon ends the identity. Empty lines and those
 * that begin with # do not count. Throws CERTIFICATE_INVALID with the line, and never quotes it: it holds a key.
 */
export function readPskFile(file: string, text: string): PskTable {
  const table = new Map<string, Buffer>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const fail = (what: string): never => {
      throw new WeirError("CERTIFICATE_INVALID", `${file}:${index + 1}: ${what}`);
    };
    const colon = line.indexOf(":");
    // Read as Latin-1, so that the bytes of UTF-8 are still there.
    const identity = Buffer.from(line.slice(0, Math.max(0, colon)).trim(), "latin1").toString("utf8");
    const hex = line.slice(colon + 1).trim();
    if (colon < 1 || identity === "") fail("is no line of the form identity:hexkey");
    if (/[\p{Cc}\uFFFD]/u.test(identity)) fail("the identity is not text (UTF-8, no control characters)");
    if (Buffer.byteLength(identity) > LONGEST_IDENTITY) fail(`the identity is longer than ${LONGEST_IDENTITY} bytes`);
    if (!/^(?:[0-9a-f]{2})+$/i.test(hex)) fail("the key is not hexadecimal (two digits a byte)");
    const key = Buffer.from(hex, "hex");
    if (key.length < SHORTEST_KEY || key.length > LONGEST_KEY)
      fail(
        `the key must have ${SHORTEST_KEY} to ${LONGEST_KEY} bytes (${2 * SHORTEST_KEY} to ${2 * LONGEST_KEY} digits)`,
      );
    if (table.has(identity)) fail("the identity is there twice");
    if (table.size >= MOST_IDENTITIES) fail(`there can be ${MOST_IDENTITIES} identities at most`);
    table.set(identity, key);
  }
  return table;
}
