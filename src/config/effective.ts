import { resolve } from "node:path";
import { DEFAULT_TEMPLATE, formatTopic } from "../core/topics.js";
import { absoluteAccess } from "./access-schema.js";
import type { BridgeRule, FileBridge } from "./bridge-schema.js";
import type { ListenerConfig } from "./broker-schema.js";
import type { BridgeConfig, Config, DeviceConfig, ResourcePolicy } from "./config.js";
import type { FileConfig, FileDevice, PayloadFormat } from "./schema.js";

/** What every device takes where neither it nor `defaults` names a topic: an object holds all resources in one message. */
const OBJECT_TEMPLATE = "{prefix}/{device}";

export function namesResource(topic: string): boolean {
  return topic.includes("{resource}");
}

/** The topic of `defaults` serves devices whose format it fits; others take the usual one of their format. */
function inheritedTopic(topic: string | undefined, format: PayloadFormat): string {
  if (topic !== undefined && namesResource(topic) !== (format === "object")) return topic;
  return format === "object" ? OBJECT_TEMPLATE : DEFAULT_TEMPLATE;
}

function effectiveDevice(device: FileDevice, address: unknown, defaults: FileConfig["defaults"]): DeviceConfig {
  const format = device.format ?? defaults.format;
  const own: ResourcePolicy = {
    qos: device.qos ?? defaults.qos,
    retain: device.retain ?? defaults.retain,
    format,
    topic: device.topic ?? inheritedTopic(defaults.topic, format),
    report: device.report ?? defaults.report,
  };
  const resources = new Map<string, ResourcePolicy>();
  for (const [name, resource] of Object.entries(device.resources)) {
    const itsFormat = resource.format ?? format;
    // A resource that leaves the object cannot keep the object's topic.
    const topic = itsFormat === format ? own.topic : inheritedTopic(defaults.topic, itsFormat);
    resources.set(name, { ...own, topic, ...resource });
  }
  const { id, adapter, profile, simulate } = device;
  const stale = device.stale ?? defaults.stale;
  return { id, adapter, ...(profile === undefined ? {} : { profile }), address, simulate, stale, ...own, resources };
}

/** Everything of the gateway goes up, commands to its devices come down. */
function defaultRules(prefix: string): BridgeRule[] {
  const prefixes = { localPrefix: `${prefix}/`, remotePrefix: `${prefix}/` };
  const usual = { retain: "keep", priority: "normal", qos0: "queue", ...prefixes } as const;
  const commands = ["set", "get", "exec"].map((verb) => ({
    filter: `+/+/${verb}`,
    direction: "in" as const,
    ...usual,
  }));
  return [{ filter: "#", direction: "out", ...usual }, ...commands];
}

/** An outage of days at some messages a second; what a small machine has left beside everything else. */
const OUTBOX_BOUNDS = {
  disk: { maxMessages: 10_000_000, maxBytes: 2 ** 30 },
  memory: { maxMessages: 100_000, maxBytes: 2 ** 26 },
} as const;

function effectiveBridge(bridge: FileBridge, gateway: Config["gateway"], folder: string): BridgeConfig {
  const { url, tls, batch, passwordFile, ...rest } = bridge;
  const absolute = (path: string | undefined, key: string) =>
    path === undefined ? {} : { [key]: resolve(folder, path) };
  const topic = formatTopic(gateway.prefix, { kind: "batch", gateway: gateway.id });
  return {
    ...rest,
    servers: typeof url === "string" ? [url] : url,
    clientId: bridge.clientId ?? `weir-${gateway.id}-${bridge.id}`,
    rules: bridge.rules ?? defaultRules(gateway.prefix),
    outbox: { ...OUTBOX_BOUNDS[bridge.outbox.durability === "memory" ? "memory" : "disk"], ...bridge.outbox },
    ...(batch ? { batch: { topic, ...batch } } : {}),
    ...absolute(passwordFile, "passwordFile"),
    ...(tls
      ? { tls: { ...tls, ...absolute(tls.ca, "ca"), ...absolute(tls.cert, "cert"), ...absolute(tls.key, "key") } }
      : {}),
  };
}

function effectiveListener(written: ListenerConfig, folder: string): ListenerConfig {
  const { tls, access } = written;
  const listener = access === undefined ? written : { ...written, access: absoluteAccess(access, folder) };
  if (tls === undefined) return listener;
  const absolute = (key: "cert" | "key" | "chain" | "ca" | "psk") => {
    const path = tls[key];
    return path === undefined ? {} : { [key]: resolve(folder, path) };
  };
  const files = {
    ...absolute("cert"),
    ...absolute("key"),
    ...absolute("chain"),
    ...absolute("ca"),
    ...absolute("psk"),
  };
  return { ...listener, tls: { ...tls, ...files, crl: tls.crl.map((path) => resolve(folder, path)) } };
}

/** Topics, client ids and file names take few characters; host names may have others, or be empty. */
export function safeHostname(hostname: string): string {
  return hostname.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 64) || "weir";
}

/** Every default in its place. `addresses` are the devices', checked by their adapters; relative paths begin at `folder`. */
export function effectiveConfig(
  file: FileConfig,
  addresses: readonly unknown[],
  folder: string,
  surroundings: { readonly hostname: string; readonly stateDirectory: string | undefined },
): Config {
  // systemd gives several folders with colons between them where a unit names several (systemd.exec(5)).
  const given = surroundings.stateDirectory?.split(":")[0] || undefined;
  const gateway = {
    id: file.gateway.id ?? safeHostname(surroundings.hostname),
    prefix: file.gateway.prefix,
    state: resolve(folder, file.gateway.state ?? given ?? "weir-state"),
    info: file.gateway.info,
    clock: file.gateway.clock,
  };
  return {
    gateway,
    log: file.log,
    broker: {
      ...absoluteAccess(file.broker, folder),
      listeners: file.broker.listeners.map((one) => effectiveListener(one, folder)),
    },
    bridges: file.bridges.map((bridge) => effectiveBridge(bridge, gateway, folder)),
    commands: file.commands,
    adapters: file.adapters,
    profiles: file.profiles.map((path) => resolve(folder, path)),
    devices: file.devices.map((device, index) => effectiveDevice(device, addresses[index], file.defaults)),
    ...(file.simulator ? { simulator: file.simulator } : {}),
  };
}
