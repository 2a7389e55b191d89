import { createHmac, scryptSync } from "node:crypto";
import { parseKey, type VerificationKey } from "../../../../src/broker/access/jwt/key.js";

export const NOW = 1_800_000_000_000;

/** A line of a users file. Its hash is weak, for the tests' time. */
export function userLine(user: string, password: string): string {
  const salt = Buffer.from("0123456789abcdef");
  const bare = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
  return `${user}:$scrypt$ln=10,r=8,p=1$${bare(salt)}$${bare(scryptSync(password, salt, 32, { N: 1024 }))}\n`;
}

export const ANNA = userLine("anna", "right");
export const SECRET = "0123456789abcdef0123456789abcdef";

export function hmacKey(secret = SECRET): VerificationKey {
  const key = parseKey("HS256", secret);
  if (typeof key === "string") throw new Error(key);
  return key;
}

export function tokenFor(claims: object, secret = SECRET): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
