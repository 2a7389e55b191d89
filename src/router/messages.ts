import type { Message, Origin } from "../core/message.js";
import { jsonPayload, objectPayload, senmlPayload, valuePayload } from "./payload.js";
import type { Due, RoutedResource } from "./resource.js";

export interface DeviceMessage {
  readonly message: Message;
  readonly origin: Origin;
}

/**
 * The messages of one batch, in the order of their first readings. Formats `value` and `json` give one for each reading.
 * `object` and `senml` give one for each topic; an object that already has the resource is followed by another one, so that
 * no reading is lost. Nothing that SenML cannot say may be among them.
 */
export function messagesOf(due: readonly Due[]): DeviceMessage[] {
  const groups: Due[][] = [];
  const open = new Map<string, Due[]>();
  for (const one of due) {
    const { policy, topic, device, name } = one.resource;
    if (policy.format === "value" || policy.format === "json") {
      groups.push([one]);
      continue;
    }
    const key = `${policy.format} ${policy.qos} ${policy.retain} ${device.id} ${topic}`;
    const group = open.get(key);
    const taken = policy.format === "object" && group?.some((other) => other.resource.name === name) === true;
    if (group !== undefined && !taken) {
      group.push(one);
    } else {
      const fresh = [one];
      open.set(key, fresh);
      groups.push(fresh);
    }
  }
  return groups.flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [messageOf(first.resource, group)];
  });
}

function messageOf(resource: RoutedResource, group: readonly Due[]): DeviceMessage {
  const { topic, policy, device } = resource;
  const payload = payloadOf(resource, group);
  return {
    message: { topic, payload, qos: policy.qos, retain: policy.retain },
    origin: { from: "device", device: device.id },
  };
}

function payloadOf({ policy, device }: RoutedResource, group: readonly Due[]): Uint8Array {
  const readings = group.map((one) => one.reading);
  const [reading] = readings;
  if (reading === undefined) return new Uint8Array();
  switch (policy.format) {
    case "value":
      return valuePayload(reading.value);
    case "json":
      return jsonPayload(reading);
    case "object":
      return objectPayload(readings);
    case "senml":
      return senmlPayload(device.id, readings);
  }
}
