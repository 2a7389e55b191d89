import { createHash, pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { type Hash, type Recipe, scryptMemory } from "./hash.js";

/** Whether it is the password, in a time that does not depend on how much of it is right. Off the event loop but for `$6$`. */
export async function isPassword(hash: Hash, password: Uint8Array): Promise<boolean> {
  const derived = await derive(hash, password, hash.digest.length);
  return derived.length === hash.digest.length && timingSafeEqual(derived, hash.digest);
}

function derive(recipe: Recipe, password: Uint8Array, length: number): Promise<Uint8Array> {
  const { salt } = recipe;
  if (recipe.kind === "sha512") return Promise.resolve(createHash("sha512").update(password).update(salt).digest());
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => (error ? reject(error) : resolve(key));
    if (recipe.kind === "pbkdf2") return pbkdf2(password, salt, recipe.iterations, length, "sha512", done);
    const { ln, r, p } = recipe;
    // Twice what it takes: OpenSSL counts some blocks more than the formula.
    scrypt(password, salt, length, { N: 2 ** ln, r, p, maxmem: 2 * scryptMemory(recipe) + 2 ** 20 }, done);
  });
}
