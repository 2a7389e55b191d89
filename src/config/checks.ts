import { versions } from "node:process";
import zlib from "node:zlib";
import { messageOf } from "../core/errors.js";
import { suggest } from "../core/near.js";
import { formatReadingTopic, formatTopic, parseTopic } from "../core/topics.js";
import { accessFileFindings, openListenerFindings } from "./access-checks.js";
import { commandWarnings } from "./command-rules.js";
import { type Config, type DeviceConfig, resourcePolicy } from "./config.js";
import { folderProblem, inspectFile } from "./files.js";
import type { LoadedConfig } from "./load.js";
import { type ConfigProblem, printable, sortProblems } from "./problems.js";
import type { Finding } from "./wording.js";

export interface CheckOptions {
  /** The resource names of a profile; undefined if there is no such profile. What it throws becomes the problem. */
  readonly resourcesOf: (profile: string) => readonly string[] | undefined;
  /** All profile names, to suggest near ones. */
  readonly profiles?: () => readonly string[];
}

type Level = ConfigProblem["level"];

/** What cannot be said without profiles and files: errors and warnings, those of loading included, sorted by place. Opens no port. */
export function checkConfig(loaded: LoadedConfig, options: CheckOptions): ConfigProblem[] {
  const { config } = loaded;
  const { findings, resources } = profileFindings(config, options);
  const errors = [...findings, ...topicFindings(config, resources)];
  return sortProblems([
    ...loaded.warnings,
    ...errors.map(({ path, message }) => loaded.problem(path, message)),
    ...[
      ...openListenerFindings(config),
      ...accessFileFindings(config.broker, ["broker"]),
      ...config.broker.listeners.flatMap(({ access = {} }, index) =>
        accessFileFindings(access, ["broker", "listeners", index, "access"]),
      ),
      ...fileFindings(config),
    ].map(({ path, message, level }) => loaded.problem(path, message, level)),
    ...commandWarnings(config).map(({ path, message }) => loaded.problem(path, message, "warning")),
  ]);
}

/** Looks each profile up once, and each resource that the file names in it. */
function profileFindings(config: Config, { resourcesOf, profiles }: CheckOptions) {
  const known = new Map<string, readonly string[] | string>();
  const findings: Finding[] = [];
  const lookUp = (profile: string): readonly string[] | string => {
    try {
      return resourcesOf(profile) ?? `there is no such profile${suggest(profile, profiles?.() ?? [])}`;
    } catch (error) {
      return messageOf(error);
    }
  };
  const resources = config.devices.map((device, index): readonly string[] | undefined => {
    if (device.profile === undefined) return undefined;
    const names = known.get(device.profile) ?? lookUp(device.profile);
    known.set(device.profile, names);
    if (typeof names === "string") {
      const path = ["devices", index, "profile"];
      // A profile's own problems come as lines: each is one.
      findings.push(...names.split("\n").map((message) => ({ path, message })));
      return undefined;
    }
    for (const name of device.resources.keys()) {
      if (names.includes(name)) continue;
      const message = `the profile ${printable(device.profile)} has no such resource${suggest(name, names)}`;
      findings.push({ path: ["devices", index, "resources", name], message, aboutKey: true });
    }
    return names;
  });
  return { findings, resources };
}

/** Who has a topic: one name for all of a device's, so that two devices of one template are told once, not for each resource. */
interface Owner {
  readonly name: string;
  readonly what: string;
}

/** Every topic that readings go to has one owner, and is none that Weir uses for something else. */
function topicFindings(config: Config, resources: readonly (readonly string[] | undefined)[]): Finding[] {
  const { prefix, id } = config.gateway;
  const owners = new Map<string, Owner>();
  const reserve = (topic: string, what: string) => owners.set(topic, { name: what, what });
  reserve(formatTopic(prefix, { kind: "gateway", gateway: id }), "the gateway's status");
  for (const { id: device } of config.devices)
    reserve(formatTopic(prefix, { kind: "availability", device }), `the status of device ${device}`);
  const findings: Finding[] = [];
  for (const [index, device] of config.devices.entries()) {
    const told = new Set<string>();
    for (const [topic, resource] of topicsOf(device, resources[index], { prefix, gateway: id })) {
      const subject = resource === undefined ? "its readings" : `its resource ${resource}`;
      const owner = owners.get(topic) ?? commandOwner(prefix, topic);
      const what = `${resource === undefined ? "" : `resource ${resource} of `}device ${device.id}`;
      if (owner === undefined) owners.set(topic, { name: `device ${device.id}`, what });
      if (owner === undefined || told.has(owner.name)) continue;
      told.add(owner.name);
      const own =
        resource !== undefined && device.resources.has(resource) ? ["resources", resource, "topic"] : ["topic"];
      const message = `${subject} would go to ${topic}, the topic of ${owner.what}`;
      findings.push({ path: ["devices", index, ...own], message });
    }
  }
  return findings;
}

/** A reading on a command's topic would be run as a command. */
function commandOwner(prefix: string, topic: string): Owner | undefined {
  const kind = parseTopic(prefix, topic)?.kind;
  return kind === "command" || kind === "result" ? { name: "commands", what: "commands and their results" } : undefined;
}

/** Stands for whatever a device without a profile says. No resource has such a name. */
const ANY = "{resource}";

/** The topics of a device's readings; one without a resource for its object, or for what is not known by name. */
function* topicsOf(
  device: DeviceConfig,
  names: readonly string[] | undefined,
  gateway: { prefix: string; gateway: string },
): Generator<[topic: string, resource: string | undefined]> {
  let whole = false;
  for (const resource of new Set([...(names ?? [ANY]), ...device.resources.keys()])) {
    const { topic, format } = resourcePolicy(device, resource);
    if (format === "object" && whole) continue;
    whole ||= format === "object";
    const named = format === "object" || resource === ANY ? undefined : resource;
    yield [formatReadingTopic(topic, gateway, { device: device.id, resource }), named];
  }
}

/** Files and folders that are missing, and keys that others may read. */
function fileFindings(config: Config): (Finding & { level: Level })[] {
  const findings: (Finding & { level: Level })[] = [];
  for (const [index, folder] of config.profiles.entries()) {
    const problem = folderProblem(folder);
    if (problem)
      findings.push({ path: ["profiles", index], message: `the folder ${folder} ${problem}`, level: "error" });
  }
  for (const [index, { tls, passwordFile, batch }] of config.bridges.entries()) {
    if (batch?.compression === "zstd" && !("zstdCompressSync" in zlib)) {
      const message = `needs Node 22.15 or later, and this is ${versions.node}: take zlib`;
      findings.push({ path: ["bridges", index, "batch", "compression"], message, level: "error" });
    }
    if (passwordFile !== undefined) findings.push(...secretFindings(["bridges", index, "passwordFile"], passwordFile));
    if (tls?.rejectUnauthorized === false) {
      const message = "accepts any certificate: whoever is on the way can read and change everything";
      findings.push({ path: ["bridges", index, "tls", "rejectUnauthorized"], message, level: "warning" });
    }
    for (const key of ["ca", "cert", "key"] as const) {
      const file = tls?.[key];
      if (file === undefined) continue;
      const found = secretFindings(["bridges", index, "tls", key], file);
      findings.push(...found.filter(({ level }) => key === "key" || level === "error"));
    }
  }
  findings.push(...listenerFileFindings(config));
  return findings;
}

function listenerFileFindings(config: Config): (Finding & { level: Level })[] {
  return config.broker.listeners.flatMap(({ tls }, index) => {
    const look = (
      file: string | undefined,
      secret: boolean,
      ...key: Finding["path"]
    ): (Finding & { level: Level })[] => {
      if (file === undefined) return [];
      const found = secretFindings(["broker", "listeners", index, "tls", ...key], file);
      return found.filter(({ level }) => secret || level === "error");
    };
    return [
      ...(["cert", "key", "chain", "ca", "psk"] as const).flatMap((key) =>
        look(tls?.[key], key === "key" || key === "psk", key),
      ),
      ...(tls?.crl ?? []).flatMap((file, place) => look(file, false, "crl", place)),
    ];
  });
}

function secretFindings(path: Finding["path"], file: string): (Finding & { level: Level })[] {
  const inspected = inspectFile(file);
  if ("problem" in inspected) return [{ path, message: `the file ${file} ${inspected.problem}`, level: "error" }];
  if (!inspected.exposed) return [];
  return [{ path, message: `the file ${file} can be read by others than its owner: chmod 600`, level: "warning" }];
}
