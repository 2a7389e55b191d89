import assert from "node:assert/strict";
import { createHmac, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import type { Granted } from "../../../../../src/broker/access/jwt/claims.js";
import { parseKey, type VerificationKey } from "../../../../../src/broker/access/jwt/key.js";
import { isSigned } from "../../../../../src/broker/access/jwt/signature.js";
import { decodeBase64url, looksLikeToken, parseToken } from "../../../../../src/broker/access/jwt/token.js";
import { checkToken, type TokenRules, tokenOf } from "../../../../../src/broker/access/jwt/tokens.js";

const PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
/** RFC 7515, appendices A.1 to A.3. */
const VECTORS = {
  HS256: {
    jwk: { kty: "oct", k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" },
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  },
  RS256: {
    jwk: {
      kty: "RSA",
      n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
      e: "AQAB",
    },
    token: `eyJhbGciOiJSUzI1NiJ9.${PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  },
  ES256: {
    jwk: {
      kty: "EC",
      crv: "P-256",
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
    token: `eyJhbGciOiJFUzI1NiJ9.${PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  },
} as const;

function vectorKey(algorithm: keyof typeof VECTORS): VerificationKey {
  const { jwk } = VECTORS[algorithm];
  const key =
    "k" in jwk ? createSecretKey(Buffer.from(jwk.k, "base64url")) : createPublicKey({ key: { ...jwk }, format: "jwk" });
  return { algorithm, key, fingerprint: algorithm };
}

for (const algorithm of ["HS256", "RS256", "ES256"] as const) {
  test(`${algorithm}: the example of RFC 7515, and no bit of it changed`, () => {
    const { token } = VECTORS[algorithm];
    const signedBy = (text: string): boolean => {
      const parsed = parseToken(Buffer.from(text));
      return parsed !== undefined && isSigned(parsed, vectorKey(algorithm));
    };
    assert.ok(signedBy(token));
    const [head = "", body = "", signature = ""] = token.split(".");
    const bytes = Buffer.from(signature, "base64url");
    for (const index of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      assert.ok(!signedBy(`${head}.${body}.${changed.toString("base64url")}`));
    }
    assert.ok(!signedBy(`${head}.${Buffer.from('{"iss":"eve"}').toString("base64url")}.${signature}`));
    assert.ok(!signedBy(`${head}.${body}.${bytes.subarray(1).toString("base64url")}`));
    const rules: TokenRules = { from: "password", user: "iss", verify: {}, leeway: 0 };
    const at = (now: number) =>
      checkToken(Buffer.from(token), credentials(), { rules, key: vectorKey(algorithm), now });
    assert.deepEqual(at(1_300_819_379_999), { user: "joe", until: 1_300_819_380_000, acl: undefined });
    assert.equal(at(1_300_819_380_000), "the token has expired");
  });
}

function credentials(more: { username?: string; clientId?: string; password?: Uint8Array } = {}) {
  return {
    clientId: more.clientId ?? "c1",
    username: more.username,
    password: more.password,
    listener: "tcp://127.0.0.1:1883",
    local: false,
    address: "192.0.2.1",
    proven: undefined,
  };
}

const SECRET = "0123456789abcdef0123456789abcdef";
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function hs256(claims: unknown, header: unknown = { alg: "HS256" }, secret: string | KeyObject = SECRET): Buffer {
  const signed = `${encode(header)}.${encode(claims)}`;
  return Buffer.from(`${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`);
}

function key(algorithm: "HS256" | "RS256" | "ES256", text: string): VerificationKey {
  const parsed = parseKey(algorithm, text);
  assert.ok(typeof parsed !== "string", parsed as string);
  return parsed;
}

const NOW = 1_800_000_000_000;
const EXP = NOW / 1_000 + 60;
const RULES: TokenRules = { from: "password", user: "sub", verify: {}, leeway: 30_000 };

function check(token: Buffer, rules: Partial<TokenRules> = {}, who = credentials()): Granted | string {
  return checkToken(token, who, { rules: { ...RULES, ...rules }, key: key("HS256", `${SECRET}\n`), now: NOW });
}

test("what a token gives", () => {
  const acl = { pub: ["up"], sub: [], all: [] };
  assert.deepEqual(check(hs256({ sub: "anna", exp: EXP, acl })), {
    user: "anna",
    until: EXP * 1_000 + 30_000,
    acl: { publish: ["up"], subscribe: [], all: [] },
  });
});

test("the configuration says how tokens are signed, not the token", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const pem = String(pair.publicKey.export({ type: "spki", format: "pem" }));
  const rsa = key("RS256", pem);
  const claims = { sub: "anna", exp: EXP };
  const with256 = (token: Buffer) => checkToken(token, credentials(), { rules: RULES, key: rsa, now: NOW });
  // The public key as the secret of a MAC: the classic one.
  assert.equal(typeof with256(hs256(claims, { alg: "HS256" }, pem)), "string");
  assert.equal(typeof with256(hs256(claims, { alg: "RS256" }, pem)), "string");
  const unsigned = `${encode({ alg: "none" })}.${encode(claims)}.`;
  assert.equal(typeof check(Buffer.from(unsigned)), "string");
  assert.equal(typeof check(hs256(claims, { alg: "none" })), "string");
  assert.equal(typeof check(hs256(claims, { alg: "hs256" })), "string");
  assert.equal(typeof check(hs256(claims, {})), "string");
  assert.equal(typeof check(hs256(claims, { alg: "HS256", crit: ["exp"] })), "string");
  const signed = `${encode({ alg: "RS256" })}.${encode(claims)}`;
  const right = `${signed}.${sign("sha256", Buffer.from(signed), pair.privateKey).toString("base64url")}`;
  assert.equal(typeof with256(Buffer.from(right)), "object");
});

test("ES256 in JOSE's form and no other", () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ec = key("ES256", String(pair.publicKey.export({ type: "spki", format: "pem" })));
  const signed = `${encode({ alg: "ES256" })}.${encode({ sub: "anna", exp: EXP })}`;
  const of = (encoding: "der" | "ieee-p1363") =>
    `${signed}.${sign("sha256", Buffer.from(signed), { key: pair.privateKey, dsaEncoding: encoding }).toString("base64url")}`;
  const outcome = (token: string) =>
    typeof checkToken(Buffer.from(token), credentials(), { rules: RULES, key: ec, now: NOW });
  assert.equal(outcome(of("ieee-p1363")), "object");
  assert.equal(outcome(of("der")), "string");
  assert.equal(outcome(`${signed}.${Buffer.alloc(64).toString("base64url")}`), "string");
});

test("times, with the leeway and no more", () => {
  const at = NOW / 1_000;
  const outcome = (claims: object) => typeof check(hs256({ sub: "anna", exp: EXP, ...claims }));
  assert.equal(outcome({ exp: at - 29 }), "object");
  assert.equal(outcome({ exp: at - 30 }), "string");
  assert.equal(outcome({ nbf: at + 30, iat: at + 30 }), "object");
  assert.equal(outcome({ nbf: at + 31 }), "string");
  assert.equal(outcome({ iat: at + 31 }), "string");
  assert.equal(check(hs256({ sub: "anna" })), "the token has no exp");
  for (const exp of ["9999999999", null, 1e300, -1e300, true, [EXP]]) assert.equal(outcome({ exp }), "string");
  const infinite = `{"sub":"anna","exp":1e999}`;
  const signed = `${encode({ alg: "HS256" })}.${Buffer.from(infinite).toString("base64url")}`;
  assert.equal(
    typeof check(Buffer.from(`${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`)),
    "string",
  );
});

test("issuer, audience and claims that are bound to the client", () => {
  const outcome = (claims: object, rules: Partial<TokenRules>, who = credentials()) =>
    typeof check(hs256({ sub: "anna", exp: EXP, ...claims }), rules, who);
  assert.equal(outcome({ iss: "a" }, { issuer: "a" }), "object");
  for (const iss of ["b", ["a"], undefined, null]) assert.equal(outcome({ iss }, { issuer: "a" }), "string");
  for (const aud of ["a", ["b", "a"]]) assert.equal(outcome({ aud }, { audience: "a" }), "object");
  for (const aud of ["b", [], { a: 1 }, undefined, "ab"]) assert.equal(outcome({ aud }, { audience: "a" }), "string");
  const bound = { verify: { dev: "plant-%c" } };
  assert.equal(outcome({ dev: "plant-c1" }, bound), "object");
  for (const dev of ["plant-c2", "plant-%c", undefined, ["plant-c1"]]) assert.equal(outcome({ dev }, bound), "string");
  assert.equal(outcome({}, { verify: { sub: "%u" } }, credentials({ username: "anna" })), "object");
  assert.equal(outcome({}, { verify: { sub: "%u" } }, credentials({ username: "bob" })), "string");
  assert.equal(outcome({}, { verify: { sub: "%u" } }), "string");
  assert.equal(outcome({ c: "%u" }, { verify: { c: "%c" } }, credentials({ clientId: "%u", username: "x" })), "object");
  assert.equal(outcome({}, { user: "toString" }), "string", "no claim comes from a prototype");
  for (const sub of ["", 1, null, "a\nb", "x".repeat(2_000)]) assert.equal(outcome({ sub }, {}), "string");
  assert.equal(outcome({ acl: "all" }, {}), "string");
});

test("base64url has one form", () => {
  assert.deepEqual(decodeBase64url("AQID"), Buffer.from([1, 2, 3]));
  for (const text of ["", "A", "AQ==", "AR", "A+/_", "AQI D", "AQID\n"])
    assert.equal(decodeBase64url(text), undefined, text);
});

test("what is no token", () => {
  const token = hs256({ sub: "anna", exp: EXP }).toString();
  const [head = "", , signature = ""] = token.split(".");
  const deep = `${'{"a":'.repeat(17)}1${"}".repeat(17)}`;
  const bodies = [deep, "[]", "1", "{", "\ufeff{}", "null", '"a"'];
  for (const body of bodies)
    assert.equal(parseToken(Buffer.from(`${head}.${Buffer.from(body).toString("base64url")}.${signature}`)), undefined);
  assert.ok(
    parseToken(Buffer.from(`${head}.${encode({ a: '[[[[[[[[[[[[[[[[[[[[\\"[' })}.${signature}`)),
    "brackets in text",
  );
  const notUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString("base64url");
  assert.equal(parseToken(Buffer.from(`${head}.${notUtf8}.${signature}`)), undefined);
  for (const text of [
    "",
    "a.b.c",
    "..",
    `${token}.`,
    `${token}.x`,
    `${head}.${signature}`,
    `${token}=`,
    `${token} `,
    `${token}\xe9`,
  ])
    assert.equal(parseToken(Buffer.from(text, "latin1")), undefined, text);
  assert.equal(parseToken(Buffer.from(`${head}.${"A".repeat(8_192)}.${signature}`)), undefined);
});

test("where a token is looked for", () => {
  const token = hs256({ sub: "anna" });
  assert.ok(
    looksLikeToken(token) && !looksLikeToken(Buffer.from("hello.my.world")) && !looksLikeToken(Buffer.from("")),
  );
  assert.equal(tokenOf(credentials({ password: token }), "password"), token);
  assert.equal(tokenOf(credentials({ password: token }), "username"), undefined);
  assert.deepEqual(tokenOf(credentials({ username: token.toString() }), "username"), token);
});

test("keys that do not fit are refused, and never quoted", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const small = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2_048 });
  const pem = (of: KeyObject): string => String(of.export({ type: "spki", format: "pem" }));
  const secret = String(rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
  const wrong = [
    parseKey("HS256", "hunter2"),
    parseKey("HS256", pem(rsa.publicKey)),
    parseKey("RS256", pem(small.publicKey)),
    parseKey("RS256", pem(p384.publicKey)),
    parseKey("RS256", pem(pss.publicKey)),
    parseKey("RS256", secret),
    parseKey("RS256", "hunter2"),
    parseKey("ES256", pem(rsa.publicKey)),
    parseKey("ES256", pem(p384.publicKey)),
  ];
  for (const problem of wrong) assert.ok(typeof problem === "string" && !problem.includes("hunter2"));
  assert.equal(typeof parseKey("RS256", pem(rsa.publicKey)), "object");
});
