import { isLoopback } from "../core/ip.js";
import { type AccessOverrides, type AccessSettings, mergeAccess } from "./access-schema.js";
import type { ListenerConfig } from "./broker-schema.js";
import type { Config } from "./config.js";
import { inspectFile } from "./files.js";
import type { ConfigProblem, Path } from "./problems.js";
import type { Finding } from "./wording.js";

type Levelled = Finding & { readonly level: ConfigProblem["level"] };

/** Keys that do not go together, of the broker or of a listener. Pure. */
export function accessConsistency({ acl, aclFile }: AccessOverrides, path: Path): Finding[] {
  if (acl === undefined || aclFile === undefined) return [];
  return [{ path: [...path, "aclFile"], message: "has no effect beside acl: take one of them" }];
}

/** Listeners that let in everyone, or nobody. */
export function openListenerFindings({ broker }: Config): Levelled[] {
  return broker.listeners.flatMap((listener, index) => {
    const message = listenerWarning(listener, mergeAccess(broker, listener.access));
    return message === undefined ? [] : [{ path: ["broker", "listeners", index], message, level: "warning" as const }];
  });
}

function listenerWarning(listener: ListenerConfig, access: AccessSettings): string | undefined {
  const { anonymous, users, jwt, acl, aclFile } = access;
  const local = isLocal(listener);
  const { clientCertificate = "none", identity, psk, cert } = listener.tls ?? {};
  // Nobody comes in without a certificate or key that says who it is.
  const proves = identity !== "none" && (clientCertificate === "required" || (psk !== undefined && cert === undefined));
  if (proves) return undefined;
  if (anonymous === true && !local) {
    const what =
      acl === undefined && aclFile === undefined
        ? "can publish, subscribe and command devices"
        : "comes in without a password and may what the access rules leave to anonymous clients";
    return `whoever reaches this address ${what}: broker.anonymous is true`;
  }
  const someone = (anonymous === "auto" && local) || anonymous === true || users !== undefined || jwt !== undefined;
  if (someone || clientCertificate === "optional" || psk !== undefined) return undefined;
  const none = "nobody can come in here: there are neither users (broker.users) nor tokens (broker.jwt)";
  return anonymous === false ? none : `${none}, and anonymous clients come in over loopback alone`;
}

function isLocal(listener: ListenerConfig): boolean {
  return listener.scheme === "unix" || /^localhost$/i.test(listener.host) || isLoopback(listener.host);
}

/** Files that are missing, and secrets that others may read: hashes can be guessed at, and an HS256 secret signs tokens. */
export function accessFileFindings(access: AccessOverrides, path: Path): Levelled[] {
  const { users, aclFile, jwt } = access;
  const found: Levelled[] = [];
  const inspect = (file: string | undefined, secret: boolean, ...keys: string[]): void => {
    if (file === undefined) return;
    const inspected = inspectFile(file);
    const at = [...path, ...keys];
    if ("problem" in inspected)
      found.push({ path: at, message: `the file ${file} ${inspected.problem}`, level: "error" });
    else if (secret && inspected.exposed) {
      const message = `the file ${file} can be read by others than its owner: chmod 600`;
      found.push({ path: at, message, level: "warning" });
    }
  };
  inspect(users, true, "users");
  inspect(aclFile, false, "aclFile");
  inspect(jwt?.keyFile, jwt?.algorithm === "HS256", "jwt", "keyFile");
  return found;
}
