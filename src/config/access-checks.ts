import type { AccessOverrides, AccessSettings } from "./access-schema.js";
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
  return broker.listeners.flatMap(({ host }, index) => {
    const message = listenerWarning(broker, isLoopback(host));
    return message === undefined ? [] : [{ path: ["broker", "listeners", index], message, level: "warning" as const }];
  });
}

function listenerWarning(access: AccessSettings, loopback: boolean): string | undefined {
  const { anonymous, users, jwt, acl, aclFile } = access;
  if (anonymous === true && !loopback) {
    const what =
      acl === undefined && aclFile === undefined
        ? "can publish, subscribe and command devices"
        : "comes in without a password and may what the access rules leave to anonymous clients";
    return `whoever reaches this address ${what}: broker.anonymous is true`;
  }
  if ((anonymous === "auto" && loopback) || anonymous === true || users !== undefined || jwt !== undefined)
    return undefined;
  const none = "nobody can come in here: there are neither users (broker.users) nor tokens (broker.jwt)";
  return anonymous === false ? none : `${none}, and anonymous clients come in over loopback alone`;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
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
