import { textOf } from "../options.js";

/**
 * The CoRE link format (RFC 6690): what `/.well-known/core` says of the resources of a server. Pure; reading is strict, bounded
 * and never throws, writing throws a RangeError on what the format cannot say.
 */

/** A resource and what is said of it. Attributes that are known have a type, all others are texts. */
export interface Link {
  /** A URI reference, as it is written: `/air/temperature`. */
  readonly target: string;
  /** Resource types (RFC 6690 3.1). */
  readonly rt?: readonly string[];
  /** Interface descriptions (RFC 6690 3.2). */
  readonly if?: readonly string[];
  /** The largest size to expect, in bytes (RFC 6690 3.3). */
  readonly sz?: number;
  /** Content-Formats (RFC 7252 7.2.1). */
  readonly ct?: readonly number[];
  /** That it may be observed (RFC 7641 6). */
  readonly obs?: true;
  readonly title?: string;
  /** In their order. */
  readonly others?: readonly LinkAttribute[];
}

export interface LinkAttribute {
  readonly name: string;
  /** Undefined: the name stands alone. */
  readonly value: string | undefined;
}

/** Why bytes are no link format. */
export type LinkError =
  | "not_utf8"
  /** Something else than the grammar has there. */
  | "syntax"
  /** An attribute that may be there once only (RFC 6690 3.1 to 3.3, RFC 7252 7.2.1). */
  | "repeated"
  /** A size or Content-Format that is no such number. */
  | "number"
  /** More bytes, links or attributes than are read. */
  | "too_many";

export type ParsedLinks =
  | { readonly ok: true; readonly links: readonly Link[] }
  /** `at`: where, in UTF-16 units of the text. */
  | { readonly ok: false; readonly error: LinkError; readonly at: number };

/** Not of the RFC. A device has some dozen resources, a resource some attributes. */
const MAX_BYTES = 256 * 1024;
const MAX_LINKS = 4096;
const MAX_ATTRIBUTES = 32;

/** `parmname` (RFC 5987 3.2.1: attr-char), with the star of an ext-value. */
const NAME = /[A-Za-z0-9!#$&+\-.^_`|~]+\*?/y;
/** `ptoken` (RFC 6690 2). */
const TOKEN = /[!#$%&'()*+\-./0-9:<=>?@A-Z[\]^_`a-z{|}~]+/y;
/** `quoted-string` (RFC 2616 2.2): no control characters. */
const QUOTED = /"((?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*)"/y;
/** What of a URI reference matters here: it ends at `>`, and has neither blanks nor controls nor quotes (RFC 3986). */
const TARGET = /<([^<>"\\^`{|}\x00-\x20\x7f]*)>/y;
/** `cardinal` (RFC 6690 2). */
const CARDINAL = /^(?:0|[1-9][0-9]{0,14})$/;
const MAX_CONTENT_FORMAT = 0xffff;

export function parseLinks(payload: Uint8Array): ParsedLinks {
  if (payload.length > MAX_BYTES) return { ok: false, error: "too_many", at: 0 };
  const text = textOf(payload);
  if (text === undefined) return { ok: false, error: "not_utf8", at: 0 };
  const links: Link[] = [];
  if (text === "") return { ok: true, links };
  for (let at = 0; ; at++) {
    if (links.length === MAX_LINKS) return { ok: false, error: "too_many", at };
    const read = parseLink(text, at);
    if (typeof read.link === "string") return { ok: false, error: read.link, at: read.end };
    links.push(read.link);
    at = read.end;
    if (at === text.length) return { ok: true, links };
    if (text[at] !== ",") return { ok: false, error: "syntax", at };
  }
}

/** The link that begins at `start`, or why there is none, and where it ends, or fails. */
function parseLink(text: string, start: number): { readonly link: Link | LinkError; readonly end: number } {
  const target = matchAt(TARGET, text, start);
  if (target === undefined) return { link: "syntax", end: start };
  let at = start + target[0].length;
  const link: Draft = { target: target[1] ?? "" };
  for (let count = 0; text[at] === ";"; count++) {
    if (count === MAX_ATTRIBUTES) return { link: "too_many", end: at };
    const name = matchAt(NAME, text, at + 1)?.[0];
    if (name === undefined) return { link: "syntax", end: at + 1 };
    let end = at + 1 + name.length;
    let value: string | undefined;
    if (text[end] === "=") {
      const quoted = matchAt(QUOTED, text, end + 1);
      const written = quoted ?? matchAt(TOKEN, text, end + 1);
      if (written === undefined) return { link: "syntax", end: end + 1 };
      value = quoted === undefined ? written[0] : (quoted[1] ?? "").replace(/\\(.)/gsu, "$1");
      end += 1 + written[0].length;
    }
    const refused = addTo(link, name, value);
    if (refused !== undefined) return { link: refused, end: at + 1 };
    at = end;
  }
  return { link, end: at };
}

type Draft = { -readonly [Key in keyof Link]: Link[Key] } & { others?: LinkAttribute[] };

/** Why it cannot be added, or undefined. */
function addTo(link: Draft, name: string, value: string | undefined): LinkError | undefined {
  switch (name) {
    case "rt":
    case "if": {
      if (link[name] !== undefined) return "repeated";
      if (value === undefined) return "syntax";
      link[name] = wordsOf(value);
      return undefined;
    }
    case "sz": {
      if (link.sz !== undefined) return "repeated";
      if (value === undefined || !CARDINAL.test(value)) return "number";
      link.sz = Number(value);
      return undefined;
    }
    case "ct": {
      if (link.ct !== undefined) return "repeated";
      const numbers = wordsOf(value ?? "");
      const sound = numbers.every((one) => CARDINAL.test(one) && Number(one) <= MAX_CONTENT_FORMAT);
      if (numbers.length === 0 || !sound) return "number";
      link.ct = numbers.map(Number);
      return undefined;
    }
    case "obs":
      // RFC 7641 6: without a value; one that is there is ignored.
      link.obs = true;
      return undefined;
    case "title":
      // RFC 5988 5.4: those after the first are ignored.
      if (value === undefined) return "syntax";
      link.title ??= value;
      return undefined;
    default:
      link.others ??= [];
      link.others.push({ name, value });
      return undefined;
  }
}

export function formatLinks(links: readonly Link[]): string {
  return links.map(formatLink).join(",");
}

function formatLink({ target, rt, if: interfaces, sz, ct, obs, title, others = [] }: Link): string {
  const brackets = `<${target}>`;
  if (matchAt(TARGET, brackets, 0)?.[0] !== brackets) throw new RangeError(`${target} is no URI reference`);
  let text = brackets;
  if (rt !== undefined) text += `;rt=${quote(words(rt))}`;
  if (interfaces !== undefined) text += `;if=${quote(words(interfaces))}`;
  if (sz !== undefined) text += `;sz=${cardinal(sz, Number.MAX_SAFE_INTEGER)}`;
  if (ct !== undefined) text += `;ct=${contentFormats(ct)}`;
  if (obs === true) text += ";obs";
  if (title !== undefined) text += `;title=${quote(title)}`;
  for (const { name, value } of others) {
    if (matchAt(NAME, name, 0)?.[0] !== name || KNOWN.has(name)) throw new RangeError(`${name} is no other attribute`);
    text += value === undefined ? `;${name}` : `;${name}=${tokenOrQuoted(name, value)}`;
  }
  return text;
}

const KNOWN: ReadonlySet<string> = new Set(["rt", "if", "sz", "ct", "obs", "title"]);

function contentFormats(numbers: readonly number[]): string {
  if (numbers.length === 0) throw new RangeError("ct has at least one Content-Format");
  const text = numbers.map((one) => cardinal(one, MAX_CONTENT_FORMAT)).join(" ");
  return numbers.length === 1 ? text : quote(text);
}

function cardinal(number: number, max: number): string {
  const text = String(number);
  if (!CARDINAL.test(text) || number > max) throw new RangeError(`${number} is no whole number up to ${max}`);
  return text;
}

function words(list: readonly string[]): string {
  if (list.some((word) => word === "" || word.includes(" ")))
    throw new RangeError("a type has no blanks, and is not empty");
  return list.join(" ");
}

/** Numbers and the like go without quotes (`pmin=5`), an ext-value has to (RFC 5987 3.2). */
function tokenOrQuoted(name: string, value: string): string {
  if (matchAt(TOKEN, value, 0)?.[0] === value) return value;
  if (name.endsWith("*")) throw new RangeError(`${name} takes an ext-value (RFC 5987)`);
  return quote(value);
}

function quote(value: string): string {
  const quoted = `"${value.replace(/["\\]/g, "\\$&")}"`;
  // Lone surrogates have no UTF-8 and would come back as something else.
  if (matchAt(QUOTED, quoted, 0)?.[0] !== quoted || /\p{Surrogate}/u.test(value))
    throw new RangeError("a value has no control characters and is well-formed");
  return quoted;
}

/** A list with blanks between, which may be several (RFC 6690 2, relation-types). */
function wordsOf(value: string): string[] {
  return value.split(" ").filter((word) => word !== "");
}

/** `pattern` is sticky. */
function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
