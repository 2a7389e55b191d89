import { printable } from "../../config/problems.js";
import { bridgePrefix, filter } from "../../config/topic.js";
import type { Qos } from "../../core/message.js";
import { type Setting, words } from "./lines.js";

/** The value of a `topic` line, with "" for an empty pattern or prefix. */
export interface TopicLine {
  readonly pattern: string;
  readonly direction: "out" | "in" | "both";
  readonly qos: Qos;
  readonly local: string;
  readonly remote: string;
  /** Words behind the last one that counts. */
  readonly extra: readonly string[];
}

export interface Mapping {
  readonly filter: string;
  readonly localPrefix: string;
  readonly remotePrefix: string;
}

/** Reads `pattern [out|in|both [qos [local-prefix [remote-prefix]]]]`, or says what is wrong with it. */
export function readTopic(setting: Setting): TopicLine | string {
  const all = words(setting).map((word) => word.trim());
  // `#` is a pattern where the pattern stands; behind the direction it begins a comment.
  const comment = all.findIndex((word, index) => index > 1 && word.startsWith("#"));
  const [pattern, direction = "out", qos = "0", local = "", remote = "", ...extra] =
    comment < 0 ? all : all.slice(0, comment);
  if (pattern === undefined) return "needs a pattern";
  const way = direction.toLowerCase();
  if (way !== "out" && way !== "in" && way !== "both") return "the direction must be out, in or both";
  if (qos !== "0" && qos !== "1" && qos !== "2") return "the QoS must be 0, 1 or 2";
  const line = { pattern: unquote(pattern), local: unquote(local), remote: unquote(remote) };
  if (line.pattern === "" && (line.local === "" || line.remote === ""))
    return "an empty pattern needs a local and a remote prefix";
  if (/[+#]/.test(line.local + line.remote)) return "a prefix must have no + or # in it";
  return { ...line, direction: way, qos: Number(qos) as Qos, extra };
}

/** `""` stands for nothing. Other quotes are part of the text. */
function unquote(word: string): string {
  return word === '""' ? "" : word;
}

/**
 * mosquitto's prefixes are text that is put in front of the pattern; ours are whole levels. The same topics with whole levels:
 * what a prefix has behind its last slash goes to the filter, which works where it is the same on both sides.
 */
export function toMapping({ pattern, local, remote }: TopicLine): Mapping | string {
  // `plant` and `/#`: the slash belongs to both prefixes.
  const moved =
    pattern.startsWith("/") && local !== "" && remote !== "" && !(local.endsWith("/") && remote.endsWith("/"));
  const [left, right, rest] = moved ? [`${local}/`, `${remote}/`, pattern.slice(1)] : [local, remote, pattern];
  let mapping = cut(left, right, rest);
  // Nothing is left to filter: the last level of the prefixes has to be the same.
  if (typeof mapping !== "string" && mapping.filter === "" && left.endsWith("/"))
    mapping = cut(left.slice(0, -1), right.slice(0, -1), "/");
  if (typeof mapping === "string") return mapping;
  const { filter: name, localPrefix, remotePrefix } = mapping;
  return (
    because(`its filter ${printable(name)}`, filter.safeParse(name)) ??
    because(`its local prefix ${printable(localPrefix)}`, bridgePrefix.safeParse(localPrefix)) ??
    because(`its remote prefix ${printable(remotePrefix)}`, bridgePrefix.safeParse(remotePrefix)) ??
    mapping
  );
}

function cut(local: string, remote: string, pattern: string): Mapping | string {
  const [localPrefix, localEnd] = atLastSlash(local);
  const [remotePrefix, remoteEnd] = atLastSlash(remote);
  if (localEnd === remoteEnd) return { filter: localEnd + pattern, localPrefix, remotePrefix };
  if (pattern === "" || pattern === "/")
    return `the last level of ${printable(local)} and of ${printable(remote)} differ: a rule replaces whole levels in front of what it keeps`;
  return `the prefixes end inside a level (${shown(local)} and ${shown(remote)}): a rule replaces whole levels, with their slash`;
}

function shown(prefix: string): string {
  return prefix === "" ? '""' : printable(prefix);
}

function atLastSlash(prefix: string): [levels: string, end: string] {
  const length = prefix.lastIndexOf("/") + 1;
  return [prefix.slice(0, length), prefix.slice(length)];
}

type Checked = { readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined };

function because(what: string, { error }: Checked): string | undefined {
  return error === undefined ? undefined : `${what} ${error.issues[0]?.message ?? "is not valid"}`;
}
