import { randomBytes } from "node:crypto";
import { Throttle } from "../throttle.js";
import { isPassword } from "./derive.js";
import type { Hash } from "./hash.js";
import { Successes } from "./successes.js";
import type { Turns } from "./turns.js";
import type { User, Users } from "./users-file.js";

export type Outcome = { readonly ok: true; readonly proof: string } | { readonly ok: false; readonly why: Refused };
export type Refused = "wrong" | "throttled" | "crowded" | "failed";

export interface Attempt {
  readonly user: string;
  readonly password: Uint8Array;
  /** Whom failures count for (origin.ts). */
  readonly origin: string;
  /** From this machine: all of it has one address, which one wrong program must not lock out. */
  readonly local: boolean;
}

/** A person mistypes a few times; a device with an old password tries again for ever. Per origin and name; ms. */
const BY_PAIR = { burst: 5, every: 10_000 };
/** Guesses at one name from many addresses. It shuts out its owner too, where that was not here in the last minutes. */
const BY_USER = { burst: 100, every: 1_000 };

/** What a name that is not in an empty file costs. */
const NOTHING: Hash = { kind: "scrypt", ln: 15, r: 8, p: 1, salt: randomBytes(16), digest: randomBytes(32) };

/**
 * Checks passwords against a users file. An attacker learns nothing from how long it takes, cannot guess fast, from one
 * address or many, and cannot fill the machine with work: those who were here in the last minutes still come in.
 */
export class Passwords {
  #users: Users;
  /** In the order of the file, for `#standIn`. */
  #hashes: readonly Hash[] = [];
  readonly #turns: Turns;
  readonly #ticks: () => number;
  readonly #successes = new Successes();
  readonly #byPair = new Throttle(BY_PAIR);
  readonly #byOrigin: Throttle;
  readonly #byUser = new Throttle(BY_USER);

  constructor(users: Users, { turns, ticks, byOrigin }: PasswordsOptions) {
    this.#users = users;
    this.#hashes = [...users.values()].map(({ hash }) => hash);
    this.#turns = turns;
    this.#ticks = ticks;
    this.#byOrigin = byOrigin;
  }

  /** The file changed: nothing that was proved before counts. */
  replace(users: Users): void {
    this.#users = users;
    this.#hashes = [...users.values()].map(({ hash }) => hash);
    this.#successes.clear();
  }

  /** Whether what let it in still would. */
  holds(user: string, proof: string): boolean {
    const entry = this.#users.get(user);
    return entry !== undefined && this.#proof(user, entry) === proof;
  }

  /** Never rejects. */
  async check({ user, password, origin, local }: Attempt): Promise<Outcome> {
    const now = this.#ticks();
    const pair = this.#successes.name(origin, user);
    const tired = (at: number): boolean =>
      this.#byPair.refuses(pair, at) || (!local && this.#byOrigin.refuses(origin, at));
    if (tired(now)) return refused("throttled");
    const entry = this.#users.get(user);
    const name = this.#successes.name(user);
    const proved = this.#successes.name("proved", user, password);
    const provedHere = this.#successes.name("proved here", user, password, origin);
    // Before the guesses of others count against it, but only where it was proved: a guess at what is remembered, from
    // elsewhere, is counted as any other.
    if (entry !== undefined && this.#successes.has(provedHere, now))
      return { ok: true, proof: this.#proof(user, entry) };
    if (this.#byUser.refuses(name, now)) return refused("throttled");
    const failed = (at: number): void => {
      this.#byPair.failed(pair, at);
      this.#byUser.failed(name, at);
      if (!local) this.#byOrigin.failed(origin, at);
    };
    // All of it within the turn: of a crowd of guesses that came in together, each sees how those before it ended.
    const verify = async (): Promise<boolean | "throttled"> => {
      if (tired(this.#ticks())) return "throttled";
      const right = (await isPassword(entry?.hash ?? this.#standIn(name), password)) && entry !== undefined;
      if (!right) failed(this.#ticks());
      return right;
    };
    const remembered = entry !== undefined && this.#successes.has(proved, now);
    const right = remembered || (await this.#turns.take(origin, verify).catch(() => "failed" as const));
    if (right === undefined) return refused("crowded");
    if (right === "throttled" || right === "failed") return refused(right);
    if (!right || entry === undefined) return refused("wrong");
    const then = this.#ticks();
    // The file may have changed meanwhile: what was right is not any more, and must not be remembered. It may come again.
    if (this.#users.get(user)?.written !== entry.written) return refused("crowded");
    this.#successes.add(proved, then);
    this.#successes.add(provedHere, then);
    this.#byPair.forget(pair);
    return { ok: true, proof: this.#proof(user, entry) };
  }

  /**
   * A name that is not there costs what one of the file's costs, always the same one: files that have several kinds of hashes do
   * not tell who is in them either.
   */
  #standIn(name: string): Hash {
    const pick = Buffer.from(name, "base64").readUInt32BE() % Math.max(1, this.#hashes.length);
    return this.#hashes[pick] ?? NOTHING;
  }

  #proof(user: string, { written }: User): string {
    return this.#successes.name("proof", user, written);
  }
}

export interface PasswordsOptions {
  readonly turns: Turns;
  /** ms of a clock that does not jump. */
  readonly ticks: () => number;
  /** Shared by all that can fail. */
  readonly byOrigin: Throttle;
}

function refused(why: Refused): Outcome {
  return { ok: false, why };
}
