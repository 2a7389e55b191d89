import { RE2JS } from "re2js";
import { messageOf } from "../../core/errors.js";
import { didYouMean } from "../../core/near.js";
import type { Profile, Resource } from "../profile.js";
import { checkValue } from "../resource.js";
import type { Rule } from "../schema/fields.js";
import type { MessageSection } from "../schema/messages.js";
import type { Path } from "../source.js";
import { knowsResource, type Report } from "./report.js";

const KINDS = ["binary", "text", "delimited", "keyValue", "json"] as const;

/** The type without its range: an enumeration may list a value that means a fault. */
function fitsType({ type }: Resource, value: string | number | boolean): string | undefined {
  return checkValue({ type, access: "R" }, value);
}

/** What a field says against its resource. */
export function checkField(
  resource: Resource,
  field: Rule & { type?: string | undefined },
  path: Path,
  report: Report,
): void {
  for (const [raw, value] of Object.entries(field.enum ?? {})) {
    const problem = fitsType(resource, value);
    if (problem !== undefined)
      report([...path, "enum", raw], `${problem}, as the resource is of type ${resource.type}`);
  }
  const isBytes = resource.type === "bytes";
  if (field.type === "bytes" && !isBytes && resource.type !== "string") {
    report([...path, "type"], `bytes do not make a resource of type ${resource.type}`);
  } else if (isBytes && field.type !== undefined && field.type !== "bytes") {
    report([...path, "type"], `must be bytes, as the resource is of type bytes`);
  }
  if (field.format === "ddmm" && resource.type !== "number") {
    report([...path, "format"], "is for resources of type number only");
  }
}

/** Compiles an expression; undefined and a problem where it does not. */
function compile(pattern: string | undefined, path: Path, report: Report): RE2JS | undefined {
  if (pattern === undefined) return undefined;
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    report(path, `not a regular expression (RE2): ${messageOf(error)}`);
    return undefined;
  }
}

function checkGroup(pattern: string | undefined, path: Path, report: Report): void {
  const compiled = compile(pattern, path, report);
  if (compiled !== undefined && compiled.groupCount() !== 1) {
    report(
      path,
      `must have one group, the value, and has ${compiled.groupCount()}; write (?:...) where a group is not the value`,
    );
  }
}

function checkText(
  section: NonNullable<MessageSection["text"]>,
  path: Path,
  profile: Profile,
  report: Report,
): string[] {
  const compiled = compile(section.pattern, [...path, "pattern"], report);
  const groups = compiled === undefined ? [] : Object.keys(compiled.namedGroups());
  if (compiled !== undefined && groups.length === 0) {
    report([...path, "pattern"], "must have a named group for every resource: (?<temperature>[-0-9.]+)");
  }
  for (const group of groups) {
    if (!profile.resources.has(group)) {
      report([...path, "pattern"], `group ${group} is no resource${didYouMean(group, profile.resources.keys())}`);
    }
  }
  for (const [name, field] of Object.entries(section.fields)) {
    if (field.pattern === undefined && section.pattern !== undefined && !groups.includes(name)) {
      report([...path, "fields", name], `has no pattern, and no group of the pattern above is called ${name}`, "key");
    } else if (field.pattern === undefined && section.pattern === undefined) {
      report([...path, "fields", name], "needs a pattern", "key");
    }
  }
  return groups.filter((group) => !Object.hasOwn(section.fields, group));
}

/** The resources that a message carries. Reports what is wrong with it. */
export function checkMessage(section: MessageSection, path: Path, profile: Profile, report: Report): Set<string> {
  const carried = new Set<string>();
  compile(section.match?.regex, [...path, "match", "regex"], report);
  checkGroup(section.keyValue?.pattern, [...path, "keyValue", "pattern"], report);
  if (section.text !== undefined) {
    for (const group of checkText(section.text, [...path, "text"], profile, report)) carried.add(group);
  }
  for (const kind of KINDS) {
    const part = section[kind];
    if (part === undefined) continue;
    const fields: Readonly<Record<string, Rule & { type?: string | undefined; pattern?: string | undefined }>> =
      kind === "binary" ? (section.binary ?? {}) : ((part as { fields: Record<string, Rule> }).fields ?? {});
    const above = kind === "binary" ? [...path, kind] : [...path, kind, "fields"];
    for (const [name, field] of Object.entries(fields)) {
      const at = [...above, name];
      checkGroup(field.pattern, [...at, "pattern"], report);
      if (!knowsResource(profile, report, at, name)) continue;
      if (carried.has(name)) report(at, "is in this message twice", "key");
      carried.add(name);
      const resource = profile.resources.get(name);
      if (resource !== undefined) checkField(resource, field, at, report);
    }
  }
  return carried;
}

/** Every message can be compiled, carries resources that there are, and every resource is in some message. */
export function checkMessages(profile: Profile, report: Report): void {
  const { serial } = profile;
  if (serial === undefined) return;
  const carried = new Set<string>();
  let sound = true;
  const failing: Report = (path, message, where) => {
    sound = false;
    report(path, message, where);
  };
  let everything: string | undefined;
  for (const [name, section] of Object.entries(serial.messages)) {
    const path = ["serial", "messages", name];
    for (const resource of checkMessage(section, path, profile, failing)) carried.add(resource);
    if (everything !== undefined)
      report(path, `never comes to its turn: ${everything} has no match and takes every frame`, "key");
    if (section.match === undefined && section.text?.pattern === undefined) everything ??= name;
  }
  // A misspelt field leaves its resource out: that is told already. A device that speaks CoAP as well may say it there.
  if (!sound || profile.coap !== undefined) return;
  for (const [name, { access }] of profile.resources) {
    if (access.includes("R") && !carried.has(name)) {
      report(["resources", name], "no message carries it: add it to a message, or make its access W", "key");
    }
  }
}
