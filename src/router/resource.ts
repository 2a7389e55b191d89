import { WeirError } from "../core/errors.js";
import type { Reading } from "../core/reading.js";
import { formatReadingTopic, type GatewayNames, parseTopic, validResourceName, validTopic } from "../core/topics.js";
import { OBJECT_KEYS } from "./payload.js";
import type { DevicePolicy, ResourcePolicy } from "./policy.js";
import type { ReportState } from "./report.js";

/** One resource of one device, as the router knows it once it has seen it. */
export interface RoutedResource {
  readonly device: DevicePolicy;
  readonly name: string;
  readonly topic: string;
  readonly policy: ResourcePolicy;
  /** What the far side is known to have been told. Advances only when it was accepted. */
  state: ReportState | undefined;
  /** Batches with a reading of it on their way: until they are accepted or refused, `state` is not the whole truth. */
  unsettled: number;
  /** The batch that `state` is of: an older one that is accepted later does not put it back. */
  batch: number;
  /** Of its interval or heartbeat; `at` in ms of the router's clock. */
  timer: { readonly at: number; readonly stop: () => void } | undefined;
}

/** Why a resource cannot have this policy, in one sentence; undefined where it can. For `weir check`, before any reading comes. */
export function resourceProblem(
  gateway: GatewayNames,
  device: string,
  name: string,
  policy: ResourcePolicy,
): string | undefined {
  if (!validResourceName(name)) {
    return `The name is not usable in a topic: 1 to 64 of A-Z a-z 0-9 . _ -, and not "status".`;
  }
  const topic = formatReadingTopic(policy.topic, gateway, { device, resource: name });
  if (!validTopic(topic)) return `Its topic ${JSON.stringify(topic.slice(0, 100))} is not a valid MQTT topic.`;
  const taken = parseTopic(gateway.prefix, topic);
  if (taken !== undefined) return `Its topic ${topic} is one for ${taken.kind} messages. Choose another template.`;
  if (policy.format === "object" && OBJECT_KEYS.includes(name)) {
    return `Format object has a key "${name}" of its own. Choose another format for this resource.`;
  }
  if (policy.format === "senml" && !/^[A-Za-z0-9]/.test(device)) {
    return "SenML wants names that begin with a letter or digit (RFC 8428 4.5.1). Choose another device id or format.";
  }
  return undefined;
}

/** Throws RESOURCE_UNKNOWN for a name that no topic can hold, CONFIG_INVALID where the policy does not fit. */
export function routedResource(gateway: GatewayNames, device: DevicePolicy, name: string): RoutedResource {
  const policy = device.resources(name);
  const problem = resourceProblem(gateway, device.id, name, policy);
  if (problem !== undefined) {
    const code = validResourceName(name) ? "CONFIG_INVALID" : "RESOURCE_UNKNOWN";
    throw new WeirError(code, `Device ${device.id}, resource ${JSON.stringify(name.slice(0, 64))}: ${problem}`);
  }
  const topic = formatReadingTopic(policy.topic, gateway, { device: device.id, resource: name });
  return { device, name, topic, policy, state: undefined, unsettled: 0, batch: 0, timer: undefined };
}

/** A reading that is to become a message, with what the router knows of its resource. */
export interface Due {
  readonly resource: RoutedResource;
  readonly reading: Reading;
}
