import { verifier } from "../../protocols/checksum/checksum.js";
import { createFramer } from "../../protocols/framing/framing.js";
import type { Profile } from "../profile.js";
import { checksumSpec, framingOf, sealOf } from "../wire.js";
import { goes, type Report } from "./report.js";

/** The framing and the checksum can be built, and the requests that want a checksum have room for it. */
export function checkFraming({ serial }: Profile, report: Report): void {
  if (serial === undefined) return;
  const kind = Object.keys(serial.framing)[0] ?? "line";
  goes(report, ["serial", "framing", kind], () => createFramer(framingOf(serial.framing).framing));
  const { checksum } = serial;
  const sound = checksum === undefined || goes(report, ["serial", "checksum"], () => verifier(checksumSpec(checksum)));

  const requests = [
    ...serial.polls.map((poll, index) => ({ path: ["serial", "polls", index], ...poll })),
    ...Object.entries(serial.commands).map(([name, command]) => ({ path: ["serial", "commands", name], ...command })),
  ];
  for (const { path, request, checksum: wanted } of requests) {
    if (wanted === false) continue;
    if (wanted === true && checksum === undefined) {
      report(
        [...path, "checksum"],
        "is true, but serial.checksum says nothing: give it, or a checksum of its own here",
      );
    } else if (wanted !== true || sound) {
      goes(report, [...path, "checksum"], () => sealOf(wanted === true ? checksum : wanted)(request));
    }
  }
}
