/** Who a client says it is, and what its connection proves. Everything in it is hostile. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** The listener it came through: its URL as configured. */
  readonly listener: string;
  /** Whether it came over loopback or a Unix socket. */
  readonly local: boolean;
  /** Of its address, for the log; undefined for a Unix socket. */
  readonly address: string | undefined;
  /** The user that its client certificate or pre-shared key proved, as the listener maps it. */
  readonly proven: string | undefined;
}

/** Filters that a token allows, in which `%u` and `%c` stand for the client's names. */
export interface TokenAcl {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly all: readonly string[];
}

/** What let a client in. Made by Access and read by it alone; whoever copies an identity copies this along. */
export type Grounds =
  | { readonly by: "anonymous" | "proven" }
  /** `proof` is another one once the password is another. */
  | { readonly by: "password"; readonly proof: string }
  /** `key` is another one once the key is another. `acl`: what the token itself allows. */
  | { readonly by: "token"; readonly key: string; readonly acl: TokenAcl | undefined };

/** Who a client is, once it was let in. */
export interface Identity {
  /** Undefined: anonymous. */
  readonly user: string | undefined;
  readonly clientId: string;
  readonly listener: string;
  /** When its token ends, ms since the Unix epoch: the connection ends then. */
  readonly until?: number | undefined;
  /** Where it is missing, a user counts as revoked with the next change. */
  readonly grounds?: Grounds | undefined;
}

export type Verdict =
  | { readonly ok: true; readonly identity: Identity }
  /** `detail` is for the log alone: what a client is told does not help it guess. */
  | { readonly ok: false; readonly reason: "bad_credentials" | "not_authorized" | "busy"; readonly detail: string };

/** `receive` is asked for each topic that is delivered, `subscribe` for the filter (without `$share/name/`). */
export type Action = "publish" | "subscribe" | "receive";

/** Who may come in, and what they may do. */
export interface Access {
  /** Never rejects. Where no work is to be done (anonymous, proven) the verdict comes at once, not as a promise. */
  authenticate(credentials: Credentials): Verdict | Promise<Verdict>;
  may(identity: Identity, action: Action, topic: string): boolean;
  /**
   * The rules or users changed: what `may` said is to be asked again. `revoked` says whether an identity would not be let in
   * any more (its user is gone or has another password).
   */
  onChange(changed: (revoked: (identity: Identity) => boolean) => void): void;
  close(): Promise<void>;
}
