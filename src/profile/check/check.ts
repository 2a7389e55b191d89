import type { Profile } from "../profile.js";
import { checkCoap } from "./coap.js";
import { checkCommands } from "./commands.js";
import { checkFraming } from "./framing.js";
import { checkMessages } from "./messages.js";
import type { Report } from "./report.js";
import { checkSamples } from "./samples.js";
import { checkSimulation } from "./simulation.js";

/** What the schema cannot say: names that must agree, expressions that must compile, values that must fit. */
export function checkProfile(profile: Profile, report: Report): void {
  let problems = 0;
  const counting: Report = (path, message, where) => {
    problems += 1;
    report(path, message, where);
  };
  checkFraming(profile, counting);
  checkMessages(profile, counting);
  checkCommands(profile, counting);
  checkCoap(profile, counting);
  checkSamples(profile, counting);
  // The simulation is built from all of them: it cannot be tried before they are sound.
  if (problems === 0) checkSimulation(profile, counting);
}
