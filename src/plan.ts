import { dirname, resolve } from "node:path";
import { coapTarget, createAdapters, type FarDevice } from "../adapters/index.js";
import { accessProblems } from "./broker/access/open.js";
import {
  type Config,
  ConfigError,
  type ConfigProblem,
  checkConfig,
  type DeviceConfig,
  type LoadedConfig,
  type LoadOptions,
  loadConfig,
  resourcePolicy,
} from "./config/index.js";
import type { AdapterDevice, AdapterModule, Link } from "./core/adapter.js";
import { messageOf } from "./core/errors.js";
import { bundledFolder, listProfiles, loadProfile, type Profile, runSamples } from "./profile/index.js";
import { resourceProblem } from "./router/index.js";
import { simulationProblem } from "./simulator/problem.js";

/** A configuration that was found sound, with all it refers to. Nothing has been opened yet. */
export interface Plan {
  readonly config: Config;
  /** By device. A device of a transport that needs none may have none. */
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly warnings: readonly ConfigProblem[];
  /** The links to open, with other addresses for simulated devices, as a configuration spells them. */
  links(addresses: ReadonlyMap<string, string>): Link[];
  /** Where simulated devices post: what the CoAP adapter listens on, as a client writes it. */
  readonly coapTarget: string;
  /** Far sides of ports that exist in this process only: devices that are simulated where there are no pseudo-terminals. */
  readonly simulatedPorts: Map<string, FarDevice>;
  redacted(): string;
}

export type PlanOptions = Omit<LoadOptions, "adapters">;

/** Loads and checks everything. Throws a ConfigError with every problem at once. */
export function makePlan(options: PlanOptions): Plan {
  const simulatedPorts = new Map<string, FarDevice>();
  const adapters = createAdapters(simulatedPorts);
  const loaded = loadConfig({ ...options, adapters });
  const shelf = profileShelf(loaded, options.file);
  const problems = [
    ...checkConfig(loaded, { resourcesOf: shelf.resourcesOf, profiles: shelf.names }),
    ...sampleProblems(loaded, shelf),
    ...policyProblems(loaded, shelf),
    ...adapterProblems(adapters, loaded, shelf),
    ...simulationProblems(loaded, shelf),
  ];
  // What is in the files of users and rules, once it is known that they are there.
  if (!problems.some(isError)) problems.push(...accessFileProblems(loaded));
  if (problems.some(isError)) throw new ConfigError(problems);
  const profiles = new Map<string, Profile>();
  for (const { id, profile: ref } of loaded.config.devices) {
    const profile = ref === undefined ? undefined : shelf.of(ref);
    if (profile !== undefined) profiles.set(id, profile);
  }
  return {
    config: loaded.config,
    profiles,
    warnings: problems,
    links: (addresses) =>
      byAdapter(adapters, loaded.config, (device, { address }) => {
        const other = addresses.get(device.id);
        const place = other === undefined ? device.address : address.parse(other);
        return { id: device.id, address: place, profile: profiles.get(device.id) };
      }).flatMap(({ module, settings, devices }) => module.links(settings, devices)),
    coapTarget: coapTarget(loaded.config.adapters["coap"]),
    simulatedPorts,
    redacted: () => loaded.redacted(),
  };
}

function isError({ level }: ConfigProblem): boolean {
  return level === "error";
}

function accessFileProblems(loaded: LoadedConfig): ConfigProblem[] {
  const { broker } = loaded.config;
  const found = accessProblems({ settings: broker, listeners: broker.listeners });
  return found.map((message) => loaded.problem(["broker"], message));
}

interface Shelf {
  /** The profile; undefined where it could not be loaded: `checkConfig` says why. */
  of(ref: string): Profile | undefined;
  resourcesOf(ref: string): readonly string[];
  names(): readonly string[];
}

/** Every profile is read once, however many devices have it. */
function profileShelf(loaded: LoadedConfig, file: string): Shelf {
  const base = dirname(resolve(file));
  const folders = [...loaded.config.profiles, bundledFolder];
  const read = new Map<string, Profile | Error>();
  const load = (ref: string): Profile | Error => {
    const known = read.get(ref);
    if (known !== undefined) return known;
    const made = attempt(() => loadProfile(/\.ya?ml$/.test(ref) ? resolve(base, ref) : ref, folders));
    read.set(ref, made);
    return made;
  };
  return {
    of: (ref) => {
      const profile = load(ref);
      return profile instanceof Error ? undefined : profile;
    },
    resourcesOf: (ref) => {
      const profile = load(ref);
      if (profile instanceof Error) throw profile;
      return [...profile.resources.keys()];
    },
    names: () => listProfiles(folders).map((profile) => profile.name),
  };
}

function sampleProblems(loaded: LoadedConfig, shelf: Shelf): ConfigProblem[] {
  return loaded.config.devices.flatMap((device, index) => {
    const profile = device.profile === undefined ? undefined : shelf.of(device.profile);
    if (profile === undefined) return [];
    return runSamples(profile)
      .filter((sample) => sample.problem !== undefined)
      .map((sample) => loaded.problem(["devices", index, "profile"], `sample "${sample.name}": ${sample.problem}`));
  });
}

function simulationProblems(loaded: LoadedConfig, shelf: Shelf): ConfigProblem[] {
  return loaded.config.devices.flatMap((device, index) => {
    const profile = device.profile === undefined ? undefined : shelf.of(device.profile);
    // A profile that could not be loaded has a problem of its own.
    if (!device.simulate || (device.profile !== undefined && profile === undefined)) return [];
    const problem = simulationProblem({ id: device.id, adapter: device.adapter, profile });
    return problem === undefined ? [] : [loaded.problem(["devices", index, "simulate"], problem)];
  });
}

/** What the router would refuse once the first reading came. */
function policyProblems(loaded: LoadedConfig, shelf: Shelf): ConfigProblem[] {
  const { gateway, devices } = loaded.config;
  const names = { prefix: gateway.prefix, gateway: gateway.id };
  return devices.flatMap((device, index) => {
    const profile = device.profile === undefined ? undefined : shelf.of(device.profile);
    const resources = [...(profile?.resources.keys() ?? device.resources.keys())];
    return resources.flatMap((name) => {
      const problem = resourceProblem(names, device.id, name, resourcePolicy(device, name));
      return problem === undefined ? [] : [loaded.problem(["devices", index], `resource ${name}: ${problem}`)];
    });
  });
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

type Adapters = readonly AdapterModule<Profile>[];

interface Share {
  readonly module: AdapterModule<Profile>;
  readonly settings: unknown;
  readonly devices: readonly AdapterDevice<unknown, Profile>[];
}

function byAdapter(
  adapters: Adapters,
  config: Config,
  make: (device: DeviceConfig, module: AdapterModule<Profile>) => AdapterDevice<unknown, Profile>,
): Share[] {
  // Also those without devices: some adapters serve others too.
  return adapters.map((module) => ({
    module,
    settings: config.adapters[module.name],
    devices: config.devices.filter((device) => device.adapter === module.name).map((device) => make(device, module)),
  }));
}

function adapterProblems(adapters: Adapters, loaded: LoadedConfig, shelf: Shelf): ConfigProblem[] {
  const { config } = loaded;
  // A simulated device gets its address when it starts to play: what the file says of it does not count.
  // Nor that a profile is missing which could not be loaded: that is said already.
  const whole = (device: DeviceConfig): boolean =>
    device.profile === undefined || shelf.of(device.profile) !== undefined;
  const real = { ...config, devices: config.devices.filter((device) => !device.simulate && whole(device)) };
  const shares = byAdapter(adapters, real, ({ id, address, profile }) => ({
    id,
    address,
    profile: profile === undefined ? undefined : shelf.of(profile),
  }));
  return shares.flatMap(({ module, settings, devices }) =>
    module.check(settings, devices).map(({ device, path, message, level }) => {
      const index = config.devices.findIndex((d) => d.id === device);
      const place = index < 0 ? ["adapters", module.name, ...path] : ["devices", index, ...path];
      return loaded.problem(place, message, level);
    }),
  );
}
