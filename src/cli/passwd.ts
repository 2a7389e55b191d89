import { withoutUser, withUser } from "../broker/access/users/change.js";
import { hashPassword } from "../broker/access/users/hash.js";
import { nameProblem } from "../broker/access/users/users-file.js";
import { WeirError } from "../core/errors.js";
import { rewrite } from "./rewrite.js";
import { askSecrets, readSecret } from "./secret.js";

export interface PasswdOptions {
  readonly delete?: boolean | undefined;
  readonly stdin?: boolean | undefined;
}

/** `weir passwd`: a user's password in a file of users. It is never an argument: those are in the process list and the history. */
export async function passwd(
  file: string | undefined,
  user: string | undefined,
  options: PasswdOptions,
): Promise<number> {
  if (file === undefined || user === undefined || (options.delete && options.stdin)) {
    process.stderr.write("weir passwd FILE USER [--delete] [--stdin]\n");
    return 2;
  }
  const wrong = nameProblem(user);
  if (wrong !== undefined) throw new WeirError("ACCESS_INVALID", `the user's name ${wrong}`);
  if (options.delete) {
    const found = rewrite(file, (text) => withoutUser(text, user));
    if (!found) throw new WeirError("ACCESS_INVALID", `${file} has no such user`);
    process.stdout.write(`${user} is not in ${file} any more\n`);
    return 0;
  }
  const password = await (process.stdin.isTTY && !options.stdin ? askTwice(user) : readSecret(process.stdin));
  if (typeof password === "string") {
    process.stderr.write(`weir: ${password}\n`);
    return 1;
  }
  const hash = await hashPassword(password);
  rewrite(file, (text) => withUser(text, user, hash));
  process.stdout.write(`${user} has a new password in ${file}\n`);
  return 0;
}

async function askTwice(user: string): Promise<Uint8Array | string> {
  const typed = await askSecrets(process.stdin, process.stderr, [`New password of ${user}: `, "Once more: "]);
  if (typeof typed === "string") return typed;
  const [first = new Uint8Array(), second = new Uint8Array()] = typed;
  return Buffer.compare(first, second) === 0 ? first : "the two are not the same: nothing was changed";
}
