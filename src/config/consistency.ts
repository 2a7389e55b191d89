import { accessConsistency } from "./access-checks.js";
import { commandFindings } from "./command-rules.js";
import type { Config } from "./config.js";
import { namesResource } from "./effective.js";
import { listenerFindings } from "./listener-rules.js";
import { loopFindings } from "./rules.js";
import type { FileConfig, PayloadFormat } from "./schema.js";
import type { Finding } from "./wording.js";

/** What the schema cannot say about a file by itself: keys that do not go together. Pure. */
export function consistencyFindings(file: FileConfig, config: Config): Finding[] {
  return [
    ...topicFindings(file),
    ...bridgeFindings(config),
    ...loopFindings(config.bridges),
    ...listenerFindings(config),
    ...commandFindings(config),
    ...accessConsistency(config.broker, ["broker"]),
  ];
}

/** A topic that does not fit its format would put every resource on one topic, or one object on many. */
function topicFindings(file: FileConfig): Finding[] {
  const misfit = (topic: string | undefined, format: PayloadFormat): string | undefined => {
    if (topic === undefined || namesResource(topic) !== (format === "object")) return undefined;
    return format === "object"
      ? "must not contain {resource}: with format object all resources are in one message"
      : `must contain {resource}: with format ${format} each resource has a message of its own`;
  };
  const findings: Finding[] = [];
  const inDefaults = misfit(file.defaults.topic, file.defaults.format);
  if (inDefaults !== undefined) findings.push({ path: ["defaults", "topic"], message: inDefaults });
  for (const [index, device] of file.devices.entries()) {
    const format = device.format ?? file.defaults.format;
    const message = misfit(device.topic, format);
    if (message !== undefined) findings.push({ path: ["devices", index, "topic"], message });
    for (const [name, resource] of Object.entries(device.resources)) {
      if (resource.topic === undefined || (resource.format ?? format) !== "object") continue;
      findings.push({
        path: ["devices", index, "resources", name, "topic"],
        message:
          "has no effect: the resource is part of the device's object. Give it a format of its own (value, json or senml)",
      });
    }
  }
  return findings;
}

function bridgeFindings(config: Config): Finding[] {
  return config.bridges.flatMap((bridge, index) => {
    const findings: Finding[] = [];
    const add = (message: string, ...keys: string[]) => findings.push({ path: ["bridges", index, ...keys], message });
    // MQTT-3.1.2-22: without a user name there is no password, in 3.1.1.
    for (const key of ["password", "passwordFile"] as const) {
      if (bridge[key] === undefined || bridge.username !== undefined || bridge.protocol === 5) continue;
      add("needs a username as well (MQTT 3.1.1 has no password alone)", key);
    }
    if (bridge.password !== undefined && bridge.passwordFile !== undefined)
      add("has no effect beside password: take one of them", "passwordFile");
    if (bridge.tls && !bridge.servers.some((url) => /^(mqtts|wss):/i.test(url)))
      add("needs a url that begins with mqtts:// or wss://", "tls");
    if (new Set(bridge.servers).size < bridge.servers.length) add("names a server twice", "url");
    if (bridge.backoff.min > bridge.backoff.max) add("must not be more than backoff.max", "backoff", "min");
    if (bridge.messageId === "property" && bridge.protocol === 4)
      add("needs protocol: 5 (MQTT 3.1.1 has no user properties)", "messageId");
    if (bridge.tls?.cert !== undefined && bridge.tls.key === undefined) add("needs tls.key as well", "tls", "cert");
    if (bridge.tls?.key !== undefined && bridge.tls.cert === undefined) add("needs tls.cert as well", "tls", "key");
    return findings;
  });
}
