import { compileCommand, isBinary } from "../command.js";
import type { Profile } from "../profile.js";
import type { CommandSection } from "../schema/serial.js";
import { PLACEHOLDER } from "../schema/serial.js";
import type { Path } from "../source.js";
import { checkField } from "./messages.js";
import { knowsAnswers, knowsResource, type Report } from "./report.js";

function checkValuePlace({ isText, value, request }: CommandSection, path: Path, report: Report): void {
  const placeholder = isText && Buffer.from(request).includes(PLACEHOLDER);
  if (value === undefined) return;
  if (isText && isBinary(value))
    report([...path, "value"], `is for bytes given as hex; in a text, ${PLACEHOLDER} is the place`);
  else if (!isText && !isBinary(value))
    report([...path, "value"], "must say where it is written: { at: 6, type: u16be }");
  else if (isText && !placeholder) report([...path, "value"], `the text has no ${PLACEHOLDER}`);
}

/** Every command belongs to a resource that can be written or executed, and the other way around. */
export function checkCommands(profile: Profile, report: Report): void {
  const { serial } = profile;
  if (serial === undefined) return;
  for (const [index, { answer }] of serial.polls.entries()) {
    knowsAnswers(profile, report, ["serial", "polls", index, "answer"], answer);
  }
  for (const [name, command] of Object.entries(serial.commands)) {
    const path = ["serial", "commands", name];
    knowsAnswers(profile, report, [...path, "answer"], command.answer);
    checkValuePlace(command, path, report);
    if (!knowsResource(profile, report, path, name)) continue;
    const resource = profile.resources.get(name);
    if (resource === undefined) continue;
    if (resource.access === "R") report(path, `resource ${name} has access R: make it W, RW or E`, "key");
    if (command.value !== undefined) checkField(resource, command.value, [...path, "value"], report);
    if (resource.access.includes("W") && !compileCommand(command, resource, (frame) => frame).carriesValue) {
      report(path, `has no place for the value: give value for hex, or ${PLACEHOLDER} in the text`, "key");
    }
  }
  if (profile.coap !== undefined) return;
  for (const [name, { access }] of profile.resources) {
    if (access !== "R" && !Object.hasOwn(serial.commands, name)) {
      report(
        ["resources", name],
        `nothing says how it is ${access === "E" ? "executed" : "written"}: add serial.commands.${name}`,
        "key",
      );
    }
  }
}
