import { type Profile, ProfileError, type ProfileProblem, parseProfile } from "../../../src/profile/index.js";

/** A profile of one message, from the YAML of its resources and of its serial section (indented by two blanks). */
export function profileOf(resources: string, serial: string, rest = ""): Profile {
  return parseProfile(`vendor: Test\nmodel: T1\nresources:\n${resources}\nserial:\n${serial}\n${rest}`, {
    file: "t1.yaml",
    name: "test/t1",
  });
}

/** The problems of a text that is no profile. */
export function problemsOf(text: string): readonly ProfileProblem[] {
  try {
    parseProfile(text, { file: "t1.yaml", name: "test/t1" });
  } catch (error) {
    if (error instanceof ProfileError) return error.problems;
    throw error;
  }
  return [];
}
