import { z } from "zod";
import { didYouMean } from "../core/near.js";
import { checkProfile } from "./check/check.js";
import { ProfileError, type ProfileProblem } from "./problem.js";
import type { Profile, Resource } from "./profile.js";
import { explain, flatten } from "./schema/explain.js";
import { keysAt } from "./schema/keys.js";
import { type ProfileDocument, profileSchema } from "./schema/profile.js";
import { type Path, parseSource, type Source } from "./source.js";

/** Problems told at most. A file that is something else altogether has one at every line. */
const MAX_PROBLEMS = 100;

function isStep(key: PropertyKey): key is string | number {
  return typeof key !== "symbol";
}

function schemaProblems(source: Source, error: z.ZodError): ProfileProblem[] {
  const issues = flatten(error.issues);
  // A misspelt key makes others seem to be missing: the misspelling is what must be told.
  const misspelt = new Set(
    issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? [issue.path.join("/")] : [])),
  );
  return issues.flatMap((issue) => {
    if (issue.code === "custom" && misspelt.has(issue.path.join("/"))) return [];
    const path = issue.path.filter(isStep);
    if (issue.code !== "unrecognized_keys") return [source.problem(path, issue.message)];
    const known = keysAt(profileSchema, path);
    return issue.keys.map((key) => source.problemAtKey([...path, key], `unknown key${didYouMean(key, known)}`));
  });
}

function toResource({ type, access, unit, min, max, description }: ProfileDocument["resources"][string]): Resource {
  return {
    type,
    access,
    ...(unit === undefined ? {} : { unit }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(description === undefined ? {} : { description }),
  };
}

function toProfile(name: string, document: ProfileDocument): Profile {
  const { vendor, model, description, source, resources, serial, coap, samples, simulate } = document;
  return {
    name,
    vendor,
    model,
    resources: new Map(Object.entries(resources).map(([key, resource]) => [key, toResource(resource)])),
    samples,
    ...(description === undefined ? {} : { description }),
    ...(source === undefined ? {} : { source }),
    ...(serial === undefined ? {} : { serial }),
    ...(coap === undefined ? {} : { coap }),
    ...(simulate === undefined ? {} : { simulate }),
  };
}

/** In the order of the text, each once. */
function inOrder(problems: readonly ProfileProblem[]): ProfileProblem[] {
  const seen = new Set<string>();
  return [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, path, message }) => {
      const key = `${line} ${path} ${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .slice(0, MAX_PROBLEMS);
}

/** A profile from its YAML text. Throws a ProfileError with every problem there is. */
export function parseProfile(text: string, { file, name }: { file: string; name: string }): Profile {
  const source = parseSource(text, file);
  if (source.problems.length > 0) throw new ProfileError(inOrder(source.problems));
  const result = profileSchema.safeParse(source.data ?? undefined, { error: explain });
  if (!result.success) throw new ProfileError(inOrder(schemaProblems(source, result.error)));
  const profile = toProfile(name, result.data);
  const problems: ProfileProblem[] = [];
  checkProfile(profile, (path: Path, message, where) => {
    problems.push(where === "key" ? source.problemAtKey(path, message) : source.problem(path, message));
  });
  if (problems.length > 0) throw new ProfileError(inOrder(problems));
  return profile;
}

/** The JSON Schema of a profile, for editors: what may be written, before defaults are filled in. */
export function profileJsonSchema(): object {
  return z.toJSONSchema(profileSchema, { io: "input", unrepresentable: "any" });
}
