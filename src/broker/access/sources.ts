import { type AclFile, parseAclFile } from "./acl/mosquitto.js";
import { Source } from "./files/source.js";
import { type Algorithm, parseKey, type VerificationKey } from "./jwt/key.js";
import { Passwords, type PasswordsOptions } from "./users/passwords.js";
import { parseUsers, type Users } from "./users/users-file.js";

/** Every file once, however many listeners name it: its users share what is remembered and counted of them. */
export class Sources {
  readonly #options: PasswordsOptions;
  readonly #users = new Map<string, { readonly source: Source<Users>; readonly passwords: Passwords }>();
  readonly #acls = new Map<string, Source<AclFile>>();
  /** By algorithm and path: a file may be a key for one of them alone. */
  readonly #keys = new Map<string, Source<VerificationKey>>();

  constructor(options: PasswordsOptions) {
    this.#options = options;
  }

  passwords(path: string): Passwords {
    const known = this.#users.get(path);
    if (known) return known.passwords;
    const source = new Source(path, (text) => {
      const { users: value, problems } = parseUsers(text);
      return { value, problems };
    });
    const passwords = new Passwords(new Map(), this.#options);
    this.#users.set(path, { source, passwords });
    return passwords;
  }

  acl(path: string): () => AclFile {
    const source =
      this.#acls.get(path) ??
      new Source(path, (text) => {
        const { acl: value, problems } = parseAclFile(text);
        return { value, problems };
      });
    this.#acls.set(path, source);
    return () => source.value;
  }

  key(path: string, algorithm: Algorithm): () => VerificationKey {
    const name = `${algorithm} ${path}`;
    const source =
      this.#keys.get(name) ??
      new Source(path, (text) => {
        const value = parseKey(algorithm, text);
        return typeof value === "string" ? value : { value, problems: [] };
      });
    this.#keys.set(name, source);
    return () => source.value;
  }

  get paths(): string[] {
    return [...new Set(this.#all().map(({ path }) => path))];
  }

  /** What is wrong with all of them, a line each. */
  loadAll(): readonly string[] {
    return this.paths.flatMap((path) => this.load(path) ?? []);
  }

  /** Reads a file anew. What is wrong with it; undefined where nothing is. */
  load(path: string): string[] | undefined {
    const problems = this.#all().flatMap((source) => (source.path === path ? (source.load() ?? []) : []));
    if (problems.length > 0) return problems;
    const users = this.#users.get(path);
    users?.passwords.replace(users.source.value);
    return undefined;
  }

  #all(): Source<unknown>[] {
    return [...[...this.#users.values()].map(({ source }) => source), ...this.#acls.values(), ...this.#keys.values()];
  }
}
