import type { Credentials } from "../access.js";
import { type ClaimRules, type Granted, readClaims } from "./claims.js";
import type { VerificationKey } from "./key.js";
import { isSigned } from "./signature.js";
import { looksLikeToken, parseToken } from "./token.js";

export interface TokenRules extends ClaimRules {
  readonly from: "password" | "username";
}

/** Where a client puts its token; undefined where it sent none there. */
export function tokenOf({ username, password }: Credentials, from: TokenRules["from"]): Uint8Array | undefined {
  const secret = from === "password" ? password : username === undefined ? undefined : Buffer.from(username);
  return secret !== undefined && looksLikeToken(secret) ? secret : undefined;
}

/** What the token gives, or why nothing, for the log. At once: the dearest signature takes a fraction of a millisecond. */
export function checkToken(
  token: Uint8Array,
  { clientId, username }: Credentials,
  { rules, key, now }: { readonly rules: TokenRules; readonly key: VerificationKey; readonly now: number },
): Granted | string {
  const parsed = parseToken(token);
  if (parsed === undefined) return "the token is malformed";
  if (!isSigned(parsed, key)) return "the token is not signed with jwt.keyFile by jwt.algorithm";
  return readClaims(parsed.claims, rules, {
    clientId,
    // The token is no name.
    username: rules.from === "username" ? undefined : username,
    now,
  });
}
