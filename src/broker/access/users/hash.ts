import { randomBytes, scrypt } from "node:crypto";

/** How a password is kept: its parameters, salt and digest. Pure but for `hashPassword`. */
export type Hash = Recipe & { readonly digest: Uint8Array };

/** What must be computed from a password to compare it. */
export type Recipe =
  | { readonly kind: "scrypt"; readonly ln: number; readonly r: number; readonly p: number; readonly salt: Uint8Array }
  /** mosquitto's `$7$`: PBKDF2 with HMAC-SHA512. */
  | { readonly kind: "pbkdf2"; readonly iterations: number; readonly salt: Uint8Array }
  /** mosquitto's `$6$`, before 2.0: SHA512 of password and salt. Fast to guess: no better than the file's secrecy. */
  | { readonly kind: "sha512"; readonly salt: Uint8Array };

/**
 * Of new hashes: 32 MiB and some 100 ms of a desktop's core, 400 ms of a small board's. Two at a time (passwords.ts) are 64 MiB,
 * which a board with 512 MB stands beside the gateway; the next step up would not leave it room to come back from an outage.
 */
const NEW = { ln: 15, r: 8, p: 1 } as const;
const NEW_SALT = 16;
const NEW_DIGEST = 32;

/** What a hash in a file may cost: the file is its owner's, but a slip in it must not take the machine. */
const MAX_MEMORY = 2 ** 26; // bytes
const MAX_WORK = 2 ** 28; // bytes mixed
const MAX_ITERATIONS = 2_000_000;

export const scryptMemory = ({ ln, r }: { readonly ln: number; readonly r: number }): number => 128 * r * 2 ** ln;

export async function hashPassword(password: Uint8Array): Promise<string> {
  const salt = randomBytes(NEW_SALT);
  const { ln, r, p } = NEW;
  const digest = await new Promise<Buffer>((resolve, reject) => {
    const options = { N: 2 ** ln, r, p, maxmem: 2 * scryptMemory(NEW) };
    scrypt(password, salt, NEW_DIGEST, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
  const bare = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
  return `$scrypt$ln=${ln},r=${r},p=${p}$${bare(salt)}$${bare(digest)}`;
}

/** Reads one of the three kinds, or says what is wrong with it in words that follow "the password". Never quotes it. */
export function parseHash(text: string): Hash | string {
  const [before, kind = "", ...fields] = text.split("$");
  if (before !== "") return "is not a hash: set it with `weir passwd`";
  switch (kind) {
    case "scrypt":
      return parseScrypt(fields);
    case "7":
      return parsePbkdf2(fields);
    case "6":
      return fields.length === 2 ? withDigest(fields, (salt) => ({ kind: "sha512", salt })) : MALFORMED;
    default:
      return "has a hash of a kind that is not read here (scrypt, $7$, $6$): set it anew with `weir passwd`";
  }
}

const MALFORMED = "has a hash that is cut off or changed: set it anew with `weir passwd`";

function parseScrypt(fields: readonly string[]): Hash | string {
  const [parameters = "", ...rest] = fields;
  const match = /^ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})$/.exec(parameters);
  if (match === null || rest.length !== 2) return MALFORMED;
  const [ln, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (ln < 10 || r < 1 || p < 1) return "has scrypt parameters that are too weak: set it anew with `weir passwd`";
  if (scryptMemory({ ln, r }) > MAX_MEMORY || scryptMemory({ ln, r }) * p > MAX_WORK)
    return "has scrypt parameters that cost too much: at most 64 MiB, and p=4 of them";
  return withDigest(rest, (salt) => ({ kind: "scrypt", ln, r, p, salt }));
}

function parsePbkdf2(fields: readonly string[]): Hash | string {
  const [count = "", ...rest] = fields;
  if (!/^[1-9]\d{0,9}$/.test(count) || rest.length !== 2) return MALFORMED;
  const iterations = Number(count);
  if (iterations > MAX_ITERATIONS) return `has more than ${MAX_ITERATIONS} iterations`;
  return withDigest(rest, (salt) => ({ kind: "pbkdf2", iterations, salt }));
}

function withDigest(fields: readonly string[], recipe: (salt: Uint8Array) => Recipe): Hash | string {
  const [salt, digest] = fields.map(decodeBase64);
  if (salt === undefined || digest === undefined || salt.length < 8 || salt.length > 64) return MALFORMED;
  const made = recipe(salt);
  const right = made.kind === "scrypt" ? digest.length >= 16 && digest.length <= 64 : digest.length === 64;
  return right ? { ...made, digest } : MALFORMED;
}

/** With padding or without; `Buffer.from` alone would skip what does not belong there. */
function decodeBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/={1,2}$/, "");
  const bytes = Buffer.from(bare, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === bare ? bytes : undefined;
}
