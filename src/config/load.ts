import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import type { Config } from "./config.js";
import { consistencyFindings } from "./consistency.js";
import { checkAddresses, duplicateFindings } from "./devices.js";
import { readDocument } from "./document.js";
import { effectiveConfig } from "./effective.js";
import { readText } from "./files.js";
import { interpolate, SECRET_LIMIT } from "./interpolate.js";
import { applyOverride, argumentOverride, environmentOverrides } from "./overrides.js";
import { createPlacer, Origins } from "./places.js";
import { ConfigError, type ConfigProblem, type Path, pathKey, plain, throwErrors } from "./problems.js";
import { masker, redactedYaml } from "./redact.js";
import { type AdapterSchemas, type FileConfig, fileSchema } from "./schema.js";
import { configJsonSchema, type Shape } from "./shape.js";
import { explain, word } from "./wording.js";

/** Far above any configuration; `readDocument` bounds what a text of this size may cost. Bytes. */
const FILE_LIMIT = 1024 * 1024;

export interface LoadOptions {
  /** Path of the file as the user named it: places begin with it. */
  readonly file: string;
  /** The file's content, if it is not to be read from disk. */
  readonly text?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--set` arguments: `path=value`. */
  readonly set: readonly string[];
  readonly adapters: readonly AdapterSchemas[];
  /** For the gateway's id where the file gives none. Default: this machine's. */
  readonly hostname?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file as given. */
  readonly file: string;
  readonly warnings: readonly ConfigProblem[];
  /** A problem that somebody else found, with its place: an adapter's, a profile's. Secrets are taken out of the message. */
  problem(path: Path, message: string, level?: ConfigProblem["level"]): ConfigProblem;
  /** The effective configuration as YAML, durations in ms and sizes in bytes, without secrets. */
  redacted(): string;
}

/**
 * Reads the file, puts the environment's values and then those of `--set` over it, replaces references, and checks what
 * can be checked without profiles (`checkConfig` does the rest). Reads that file and the secret files it names, no more.
 * @throws ConfigError with every problem found.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { file, adapters } = options;
  const document = readDocument(sourceText(options));
  throwErrors(
    document.faults.map(({ position: { line, column }, path, message }) => {
      return { place: `${plain(file)}:${line}:${column}`, line, column, path, message, level: "error" };
    }),
  );

  const shape = configJsonSchema(adapters);
  const layers = override(document.tree, options, shape);
  const folder = dirname(resolve(file));
  const readFile = (path: string) => readText(path, SECRET_LIMIT);
  const filled = interpolate(layers.tree, { env: options.env, folder, readFile });
  const place = createPlacer(file, document, layers.origins, masker(filled.secrets));
  const problems = [...layers.problems, ...filled.findings.map((finding) => place(finding, finding.level))];

  const unread = new Set(filled.findings.filter(({ level }) => level === "error").map(({ path }) => pathKey(path)));
  const parsed = fileSchema(adapters).safeParse(filled.tree, { error: word });
  const { addresses, findings } = checkAddresses(filled.tree, adapters, shape);
  const all = [...findings, ...duplicateFindings(filled.tree)];
  if (!parsed.success) all.push(...explain(parsed.error.issues, shape, []));
  // What a reference could not become is one problem, not two.
  problems.push(...all.filter(({ path }) => !unread.has(pathKey(path))).map((finding) => place(finding)));
  throwErrors(problems);
  if (!parsed.success) throw new ConfigError([place({ path: [], message: "is not valid" })]);

  const config = effectiveConfig(absoluteAdapters(parsed.data, adapters, folder), addresses, folder, {
    hostname: options.hostname ?? hostname(),
    stateDirectory: options.env["STATE_DIRECTORY"],
  });
  throwErrors([...problems, ...consistencyFindings(parsed.data, config).map((finding) => place(finding))]);
  return {
    config,
    file,
    warnings: problems,
    problem: (path, message, level) => place({ path, message }, level),
    redacted: () => redactedYaml(config, filled.paths, masker(filled.secrets)),
  };
}

/** Adapters' files are beside the configuration, as all files that it names. */
function absoluteAdapters(data: FileConfig, adapters: readonly AdapterSchemas[], folder: string): FileConfig {
  const made = Object.entries(data.adapters).map(([name, settings]): [string, unknown] => {
    const adapter = adapters.find((one) => one.name === name);
    return [name, adapter?.absolute?.(settings, (path) => resolve(folder, path)) ?? settings];
  });
  return { ...data, adapters: Object.fromEntries(made) };
}

function sourceText({ file, text }: LoadOptions): string {
  const read = text === undefined ? readText(file, FILE_LIMIT) : { text };
  if (!("problem" in read)) {
    if (Buffer.byteLength(read.text) <= FILE_LIMIT) return read.text;
    throw new ConfigError([whole(plain(file), `the file is larger than ${FILE_LIMIT} bytes`)]);
  }
  throw new ConfigError([whole(plain(file), `the file ${read.problem}`)]);
}

function whole(place: string, message: string): ConfigProblem {
  return { place, path: [], message, level: "error" };
}

/** The file's tree with the overrides in it: variables in the order of their names, then `--set` in the order given. */
function override(tree: unknown, { env, set }: LoadOptions, shape: Shape) {
  const origins = new Origins();
  const problems: ConfigProblem[] = [];
  // A file that is no section at all is told so by the schema; overrides would only hide it.
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return { tree, origins, problems };
  const root = tree as Record<string, unknown>;
  for (const one of [...environmentOverrides(env), ...set.map(argumentOverride)]) {
    const result = "message" in one ? one : applyOverride(root, one, shape);
    if ("message" in result) problems.push({ ...whole(result.name, result.message), path: result.path });
    else origins.set(one.name, result.path, result.made);
  }
  return { tree, origins, problems };
}
