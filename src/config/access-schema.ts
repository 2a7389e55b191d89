import { resolve } from "node:path";
import { z } from "zod";
import { validFilter } from "../core/topics.js";
import { duration, name, path, text, unless } from "./scalars.js";

/** Who may come in and what they may do: the part of the one definition (schema.ts) that is under `broker`. */

const whom = z.enum(["publish", "subscribe", "all"]);

/** As `filter` of topic.ts, but other programs' topics may be untidy: a slash in front, or two in a row. */
const aclTopic = z
  .string(unless("must be an MQTT filter in text, such as plant/# or clients/%c/+"))
  .max(1_024, "must be at most 1024 characters long")
  .superRefine((filter, context) => {
    if (validFilter(filter) && !/[\u0000-\u001f\u007f-\u009f]/.test(filter)) return;
    const message = "must be an MQTT filter: + and # alone between slashes, # only at the end";
    context.addIssue({ code: "custom", message });
  });

const rule = z
  .strictObject({
    allow: whom
      .exactOptional()
      .describe("What the rule allows: `publish`, `subscribe` (which is also to receive) or `all`."),
    deny: whom.exactOptional().describe("What the rule denies. A rule has `allow` or `deny`."),
    user: name
      .exactOptional()
      .describe("Whom it is about: a user name, with `*` for any text. `*` alone is everyone who is not anonymous."),
    client: name.exactOptional().describe("Client id, with `*` for any text. Clients choose it themselves."),
    listener: name.exactOptional().describe("URL of the listener, with `*` for any text, such as `tcp://127.*`."),
    topics: z
      .array(aclTopic)
      .min(1, "must list a topic")
      .max(256, "must list at most 256 topics")
      .describe("MQTT filters. `%u` stands for the client's user name, `%c` for its client id."),
  })
  .refine(({ allow, deny }) => (allow === undefined) !== (deny === undefined), {
    error: "must have either allow or deny",
  });

const acl = z.strictObject({
  rules: z
    .array(rule)
    .max(1_024, "must list at most 1024 rules")
    .prefault([])
    .describe("The first rule that fits decides."),
  default: z
    .enum(["allow", "deny"])
    .default("deny")
    .describe("What no rule fits. Even `allow` lets nobody publish below `$SYS`."),
});

const claimText = text.max(1_024, "must be at most 1024 characters long");
const jwt = z.strictObject({
  algorithm: z
    .enum(["HS256", "RS256", "ES256"])
    .describe("How tokens are signed. A token that says otherwise is refused."),
  keyFile: path.describe(
    "RS256 and ES256: the public key or certificate (PEM). HS256: the secret, of 32 bytes at least, which only its owner " +
      "should be able to read.",
  ),
  from: z
    .enum(["password", "username"])
    .default("password")
    .describe("Where clients put the token: EMQX and most others take the password."),
  user: name.default("sub").describe("The claim that names the user."),
  issuer: claimText.exactOptional().describe("What the claim `iss` must be."),
  audience: claimText.exactOptional().describe("What the claim `aud` must be or have in it."),
  verify: z
    .record(name, claimText)
    .prefault({})
    .describe(
      "Claims and what each must be: `%c` stands for the client id and `%u` for the user name that the client sends.",
    ),
  leeway: duration(0, 600_000).prefault("30s").describe("How far the issuer's clock may be off."),
});

const words = {
  users: "File with the users, `name:hash` a line: made by `weir passwd`, or the password_file of mosquitto.",
  anonymous:
    "Whether a client without a user name comes in. `auto`: over loopback and Unix sockets only. It does so too where it " +
    "sends a name that nothing here could check, and then the name counts for nothing.",
  jwt: "Clients that prove who they are by a signed token.",
  acl: "Who may publish and subscribe to what. Left out, with aclFile left out too: everyone who comes in may all.",
  aclFile: "File with the rules in the form of mosquitto's acl_file, in place of `acl`.",
};
const anonymous = z.literal(["auto", true, false], unless("must be auto, true or false"));

/** What a listener can say otherwise; whatever it leaves out is the broker's. `acl` and `aclFile` stand for both. */
export const listenerAccess = {
  users: path.exactOptional().describe(words.users),
  anonymous: anonymous.exactOptional().describe(words.anonymous),
  jwt: jwt.exactOptional().describe(words.jwt),
  acl: acl.exactOptional().describe(words.acl),
  aclFile: path.exactOptional().describe(words.aclFile),
};

export const brokerAccess = { ...listenerAccess, anonymous: anonymous.default("auto").describe(words.anonymous) };

const accessSettings = z.strictObject(brokerAccess);
/** Durations in ms; paths absolute once `absoluteAccess` has seen them. */
export type AccessSettings = Readonly<z.output<typeof accessSettings>>;
export type JwtSettings = NonNullable<AccessSettings["jwt"]>;
/** What a listener says otherwise. */
export type AccessOverrides = Readonly<Partial<AccessSettings>>;

/** What a listener has of its own put over what the broker has. */
export function mergeAccess(general: AccessSettings, own: AccessOverrides = {}): AccessSettings {
  const { acl: _, aclFile: __, ...rest } = general;
  // One of them replaces both: they do not add up.
  return own.acl !== undefined || own.aclFile !== undefined ? { ...rest, ...own } : { ...general, ...own };
}

/** Relative paths begin at `folder`. */
export function absoluteAccess<T extends AccessOverrides>(access: T, folder: string): T {
  const { users, aclFile, jwt: tokens } = access;
  return {
    ...access,
    ...(users === undefined ? {} : { users: resolve(folder, users) }),
    ...(aclFile === undefined ? {} : { aclFile: resolve(folder, aclFile) }),
    ...(tokens === undefined ? {} : { jwt: { ...tokens, keyFile: resolve(folder, tokens.keyFile) } }),
  };
}
