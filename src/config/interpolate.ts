import { isAbsolute, resolve } from "node:path";
import type { FileText } from "./files.js";
import { type Path, printable } from "./problems.js";

/** A secret is a line or a key, never a book. */
export const SECRET_LIMIT = 65_536;
/** All text that references become, together: a file of references to a large secret stays small in memory. */
const TOTAL_LIMIT = 4 * 1024 * 1024;
const REFERENCE = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;

export interface InterpolateOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths in references are relative to it: the configuration file's. */
  readonly folder: string;
  readonly readFile: (path: string) => FileText;
}

export interface Interpolated {
  readonly tree: unknown;
  /** What came from variables and files: never to be shown. */
  readonly secrets: ReadonlySet<string>;
  /** Where it went. */
  readonly paths: readonly Path[];
  readonly findings: readonly { readonly path: Path; readonly message: string; readonly level: "error" | "warning" }[];
}

/** Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in every text of the tree. What they become is not read again. */
export function interpolate(tree: unknown, options: InterpolateOptions): Interpolated {
  const secrets = new Set<string>();
  const paths: Path[] = [];
  const findings: { path: Path; message: string; level: "error" | "warning" }[] = [];
  const files = new Map<string, FileText>();
  let total = 0;
  let taken = 0;

  function fromFile(name: string, path: Path): string {
    const file = isAbsolute(name) ? name : resolve(options.folder, name);
    const known = files.get(file);
    const read = known ?? options.readFile(file);
    files.set(file, read);
    if ("problem" in read) {
      findings.push({ path, message: `the file ${printable(name)} ${read.problem}`, level: "error" });
      return "";
    }
    if (read.exposed && known === undefined)
      findings.push({
        path,
        message: `the file ${printable(name)} can be read by others than its owner: chmod 600`,
        level: "warning",
      });
    return read.text.replace(/\r?\n$/, "");
  }

  function reference(body: string | undefined, path: Path): string {
    const [, kind, rest = ""] = /^(env|file):(.*)$/s.exec(body ?? "") ?? [];
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(rest) ?? [];
    if (kind === "file" && rest !== "") return secret(fromFile(rest, path));
    if (kind !== "env" || name === undefined) {
      // Not quoted: where the braces are a part of a password, this is that password.
      findings.push({
        path,
        message: `an unknown reference: write \${env:NAME}, \${env:NAME:-default} or \${file:PATH}, and $\${ for a plain \${`,
        level: "error",
      });
      return "";
    }
    const value = options.env[name];
    if (value !== undefined && (value !== "" || fallback === undefined)) return secret(value);
    if (fallback !== undefined) return fallback;
    findings.push({ path, message: `the environment variable ${name} is not set`, level: "error" });
    return "";
  }

  function secret(value: string): string {
    if (value !== "") secrets.add(value);
    taken++;
    total += value.length;
    return value;
  }

  function text(value: string, path: Path): string {
    const before = taken;
    const result = value.replace(REFERENCE, (whole, body: string | undefined) => {
      if (whole === "$${") return "${";
      if (total > TOTAL_LIMIT) return "";
      return reference(body, path);
    });
    if (taken !== before) paths.push(path);
    return result;
  }

  function walk(value: unknown, path: Path): unknown {
    if (typeof value === "string") return value.includes("${") ? text(value, path) : value;
    if (Array.isArray(value)) return value.map((one, index) => walk(one, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    const result: Record<string, unknown> = Object.create(null);
    for (const [key, one] of Object.entries(value)) result[key] = walk(one, [...path, key]);
    return result;
  }

  const walked = walk(tree, []);
  if (total > TOTAL_LIMIT)
    findings.push({ path: [], message: "references become too much text together", level: "error" });
  return { tree: walked, secrets, paths, findings };
}
