import type { Access, Credentials, Identity, Verdict } from "./access.js";
import type { VerificationKey } from "./jwt/key.js";
import { checkToken, type TokenRules, tokenOf } from "./jwt/tokens.js";
import { originOf } from "./origin.js";
import type { Throttle } from "./throttle.js";
import type { Passwords, Refused } from "./users/passwords.js";

export interface GateOptions {
  readonly anonymous: "auto" | boolean;
  /** Undefined: there is no users file. */
  readonly passwords: Passwords | undefined;
  readonly tokens: { readonly rules: TokenRules; readonly key: () => VerificationKey } | undefined;
  readonly byOrigin: Throttle;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** Whether `now` can be believed. */
  readonly trusted: () => boolean;
  readonly ticks: () => number;
}

/** Who comes in through one listener. */
export interface Gate {
  readonly authenticate: Access["authenticate"];
  /** Whether it would not be let in any more. */
  revoked(identity: Identity): boolean;
}

type Refusal = Verdict & { readonly ok: false };

/**
 * In this order: what the connection proved, a token, a user name and its password, no name at all. Each decides alone: what one
 * of them refuses is not tried with the next.
 */
export function createGate(options: GateOptions): Gate {
  const { anonymous, passwords, tokens } = options;
  const checked = passwords !== undefined || tokens !== undefined;

  function authenticate(credentials: Credentials): Verdict | Promise<Verdict> {
    const { proven, username, password, local, clientId, listener } = credentials;
    if (proven !== undefined) {
      if (username !== undefined && username !== proven)
        return refuse("not_authorized", "its user name is not the one that its certificate or key proves");
      return { ok: true, identity: { user: proven, clientId, listener, grounds: { by: "proven" } } };
    }
    const token = tokens && tokenOf(credentials, tokens.rules.from);
    if (tokens && token) return byToken(credentials, token, tokens);
    // A name that nothing here could check counts for nothing: it must not gain the rights of a user of that name.
    if (username === undefined || !checked) {
      if (anonymous === true || (anonymous === "auto" && local))
        return { ok: true, identity: { user: undefined, clientId, listener, grounds: { by: "anonymous" } } };
      return refuse("not_authorized", checked ? "it gives no user name" : "there are no users that it could be");
    }
    if (passwords === undefined) return refuse("bad_credentials", "it gives no token");
    if (password === undefined) return refuse("bad_credentials", "it gives a user name without a password");
    return byPassword(credentials, { username, password }, passwords);
  }

  function byToken(credentials: Credentials, token: Uint8Array, { rules, key }: NonNullable<typeof tokens>): Verdict {
    const { clientId, listener, local, address } = credentials;
    if (!options.trusted())
      return refuse("busy", "the clock is not set: it cannot be said whether the token has expired");
    const [origin, ticks] = [originOf(address), options.ticks()];
    if (!local && options.byOrigin.refuses(origin, ticks)) return refuse("busy", REASONS.throttled[1]);
    const current = key();
    const granted = checkToken(token, credentials, { rules, key: current, now: options.now() });
    if (typeof granted === "string") {
      if (!local) options.byOrigin.failed(origin, ticks);
      return refuse("bad_credentials", granted);
    }
    const { user, until, acl } = granted;
    const grounds = { by: "token", key: current.fingerprint, acl } as const;
    return { ok: true, identity: { user, clientId, listener, until, grounds } };
  }

  async function byPassword(
    { clientId, listener, local, address }: Credentials,
    { username: user, password }: { readonly username: string; readonly password: Uint8Array },
    users: Passwords,
  ): Promise<Verdict> {
    const outcome = await users.check({ user, password, origin: originOf(address), local });
    if (!outcome.ok) return refuse(...REASONS[outcome.why]);
    const grounds = { by: "password", proof: outcome.proof } as const;
    return { ok: true, identity: { user, clientId, listener, grounds } };
  }

  function revoked({ user, grounds }: Identity): boolean {
    switch (grounds?.by) {
      case "password":
        return user === undefined || passwords === undefined || !passwords.holds(user, grounds.proof);
      case "token":
        return tokens?.key().fingerprint !== grounds.key;
      case "proven":
      case "anonymous":
        return false;
      default:
        return user !== undefined;
    }
  }

  return { authenticate, revoked };
}

const REASONS: Readonly<Record<Refused, readonly [Refusal["reason"], string]>> = {
  wrong: ["bad_credentials", "its user name or password is wrong"],
  throttled: ["busy", "it failed too often: it is not heard for a while"],
  crowded: ["busy", "too many passwords wait to be checked"],
  failed: ["busy", "its password could not be checked: there is no memory for it"],
};

function refuse(reason: Refusal["reason"], detail: string): Refusal {
  return { ok: false, reason, detail };
}
