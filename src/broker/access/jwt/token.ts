/** JSON Web Tokens in the compact form (RFC 7515 7.1, RFC 7519), read strictly: whoever sends one may be anyone. */
export interface Token {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What is signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Longest token, in characters: as much as HTTP servers take in a header. */
const LONGEST = 8_192;
/** Claims are a few levels deep. */
const DEEPEST = 16;

/**
 * Whether a secret is meant as a token: three parts, the first of which begins as `{` does in base64url (`ew` to `ez`). Then it is
 * nothing else: what is wrong with it is not tried as a password.
 */
export function looksLikeToken(secret: Uint8Array): boolean {
  const [first = 0, second = 0] = secret;
  return first === 0x65 && second >= 0x77 && second <= 0x7a && secret.filter((byte) => byte === 0x2e).length === 2;
}

/** Undefined where it is not a token that one of ours can have signed. */
export function parseToken(secret: Uint8Array): Token | undefined {
  if (secret.length > LONGEST) return undefined;
  const text = Buffer.from(secret).toString("latin1");
  const parts = text.split(".");
  const [header, claims, signature] = parts.map(decodeBase64url);
  if (parts.length !== 3 || !header || !claims || !signature) return undefined;
  const [head, body] = [parseObject(header), parseObject(claims)];
  if (!head || !body) return undefined;
  // What is critical would have to be understood, and none of it is here (RFC 7515 4.1.11).
  if (Object.hasOwn(head, "crit")) return undefined;
  const signed = Buffer.from(text.slice(0, text.lastIndexOf(".")), "latin1");
  return { header: head, claims: body, signed, signature };
}

/** RFC 7515 2: no padding, no other characters, and no bits that say nothing: one value has one form. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (tooDeep(text)) return undefined;
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Counted before it is parsed. Brackets in strings count for nothing. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quoted) {
      if (character === "\\") index++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") {
      if (++depth > DEEPEST) return true;
    } else if (character === "}" || character === "]") depth--;
  }
  return false;
}
