import { isAsked } from "../coap/codec.js";
import { compileCoapCommand } from "../coap/command.js";
import { isBinary } from "../command.js";
import type { Profile } from "../profile.js";
import type { CoapCommandSection } from "../schema/coap.js";
import { PLACEHOLDER } from "../schema/serial.js";
import type { Path } from "../source.js";
import { checkField, checkMessage } from "./messages.js";
import { goes, knowsResource, type Report } from "./report.js";

/** Reads name resources that there are, each path once; commands belong to resources that can be written or executed. */
export function checkCoap(profile: Profile, report: Report): void {
  const { coap } = profile;
  if (coap === undefined) return;
  const paths = new Set<string>();
  for (const [index, read] of coap.reads.entries()) {
    const path = ["coap", "reads", index];
    if (paths.has(read.path.text)) report([...path, "path"], `${read.path.text} is there twice`);
    paths.add(read.path.text);
    checkMessage({ ...read, match: undefined }, path, profile, report);
    if (read.resource !== undefined) checkRead(profile, read.resource, [...path, "resource"], report);
  }
  for (const [name, command] of Object.entries(coap.commands)) {
    checkCommand(profile, name, command, ["coap", "commands", name], report);
  }
  if (profile.serial !== undefined || !isAsked(profile)) return;
  for (const [name, { access }] of profile.resources) {
    if (access === "R" || Object.hasOwn(coap.commands, name)) continue;
    const how = access === "E" ? "executed" : "written";
    report(["resources", name], `nothing says how it is ${how}: add coap.commands.${name}`, "key");
  }
}

function checkRead(profile: Profile, name: string, path: Path, report: Report): void {
  const resource = profile.resources.get(name);
  if (resource === undefined) report(path, `no resource is called ${name}`);
  else if (!resource.access.includes("R"))
    report(path, `resource ${name} has access ${resource.access}: it cannot be read`);
}

function checkCommand(profile: Profile, name: string, command: CoapCommandSection, path: Path, report: Report): void {
  if (!knowsResource(profile, report, path, name)) return;
  const resource = profile.resources.get(name);
  if (resource === undefined) return;
  const { request, value, isText } = command;
  if (resource.access === "R") report(path, `resource ${name} has access R: make it W, RW or E`, "key");
  if (value !== undefined && request !== undefined) {
    if (isText === isBinary(value)) report([...path, "value"], "is a field of bytes for hex, and of the text for text");
    else if (isText && !Buffer.from(request).includes(PLACEHOLDER))
      report([...path, "value"], `the text has no ${PLACEHOLDER}`);
    checkField(resource, value, [...path, "value"], report);
  }
  goes(report, path, () => {
    const { payload } = compileCoapCommand(command, name, resource, profile);
    if (resource.access.includes("W") && !payload.carriesValue)
      throw new RangeError(`has no place for the value: give value for hex, or ${PLACEHOLDER} in the text`);
  });
}
