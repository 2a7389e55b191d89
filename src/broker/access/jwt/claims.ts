import type { TokenAcl } from "../access.js";
import { readTokenAcl } from "../acl/claim.js";

/** What is asked of a token beside its signature. */
export interface ClaimRules {
  /** The claim that names the user. */
  readonly user: string;
  /** Claims and the text that each must be; `%u` and `%c` in it stand for the client's user name and id. */
  readonly verify: Readonly<Record<string, string>>;
  readonly audience?: string | undefined;
  readonly issuer?: string | undefined;
  /** ms that clocks may differ. */
  readonly leeway: number;
}

export interface Holder {
  readonly clientId: string;
  readonly username: string | undefined;
  /** ms since the Unix epoch. */
  readonly now: number;
}

export interface Granted {
  readonly user: string;
  /** ms since the Unix epoch. */
  readonly until: number;
  readonly acl: TokenAcl | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/** Latest that JavaScript's Date knows, in seconds. */
const END_OF_TIME = 8.64e12;

/** What the claims of a signed token give to whom, or why they give nothing. Says nothing of what is in the token. */
export function readClaims(claims: Claims, rules: ClaimRules, holder: Holder): Granted | string {
  const until = lifetime(claims, rules.leeway, holder.now);
  if (typeof until === "string") return until;
  if (rules.issuer !== undefined && own(claims, "iss") !== rules.issuer) return "the token has another issuer";
  if (rules.audience !== undefined && !audiences(own(claims, "aud")).includes(rules.audience))
    return "the token is for another audience";
  for (const [name, template] of Object.entries(rules.verify)) {
    const wanted = expand(template, holder);
    if (wanted === undefined || own(claims, name) !== wanted) return "a claim is not what jwt.verify asks for";
  }
  const user = own(claims, rules.user);
  if (typeof user !== "string" || user === "" || user.length > 1_024 || /[\p{Cc}\p{Surrogate}]/u.test(user))
    return "the token names no user";
  if (!Object.hasOwn(claims, "acl")) return { user, until, acl: undefined };
  const acl = readTokenAcl(claims["acl"]);
  return acl === undefined ? "the token's acl cannot be read" : { user, until, acl };
}

/** RFC 7519 4.1.4 to 4.1.6, in seconds. A token without an end is none: what is stolen would be good for ever. */
function lifetime(claims: Claims, leeway: number, now: number): number | string {
  const times: Record<"exp" | "nbf" | "iat", number | undefined> = { exp: undefined, nbf: undefined, iat: undefined };
  for (const name of ["exp", "nbf", "iat"] as const) {
    const value = own(claims, name);
    if (value === undefined) continue;
    if (typeof value !== "number" || !(Math.abs(value) <= END_OF_TIME)) return `the token's ${name} is no time`;
    times[name] = value * 1_000;
  }
  const { exp, nbf = now, iat = now } = times;
  if (exp === undefined) return "the token has no exp";
  // Not to be taken at the end itself (RFC 7519 4.1.4).
  if (now >= exp + leeway) return "the token has expired";
  if (now < nbf - leeway) return "the token is not valid yet";
  if (now < iat - leeway) return "the token comes from the future: is the clock right?";
  return exp + leeway;
}

/** No claim comes from an object's prototype. */
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function audiences(aud: unknown): readonly unknown[] {
  return Array.isArray(aud) ? aud : [aud];
}

/** In one pass: a client that calls itself `%u` is that text. */
function expand(template: string, { clientId, username }: Holder): string | undefined {
  if (template.includes("%u") && username === undefined) return undefined;
  return template.replace(/%[uc]/g, (placeholder) => (placeholder === "%c" ? clientId : (username ?? "")));
}
