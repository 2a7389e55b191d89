import type { ResolvedRecord } from "../../src/protocols/senml/index.js";
import type { PayloadContext, Posted } from "./posted.js";
import { badPayload, quoted, Refusal } from "./refusal.js";
import { pathOf, type Target, type Targets } from "./targets.js";

/** The values of a SenML pack that a device posted. Throws a Refusal. */
export function fromSenml(records: readonly ResolvedRecord[], { target, targets }: PayloadContext): Posted[] {
  if (records.length === 0) throw badPayload("the pack has no values");
  return records.map((record) => {
    const resource = resourceOf(record.name, target, targets);
    if (record.value === undefined) throw badPayload(`${quoted(resource)} has a sum only, a value is wanted`);
    return { resource, value: record.value, time: record.time, unit: record.unit, untyped: false };
  });
}

/**
 * The part of a name after the device: `temp` of `temp`, `air/temp`, `air:temp` and `urn:dev:ow:10e2073a01080063:temp`.
 * A URN (RFC 9039) may say anything of a device but the name of another one of ours.
 */
function resourceOf(name: string, { device, resource }: Target, targets: Targets): string {
  const end = Math.max(name.lastIndexOf("/"), name.lastIndexOf(":"));
  const prefix = name.slice(0, Math.max(0, end));
  const own = name.slice(end + 1);
  const urn = /^urn:/i.test(prefix);
  const others = urn ? prefix.split(/[:/]/).some((part) => targets.other(part, device) !== undefined) : true;
  if (prefix !== "" && prefix !== device.id && prefix !== pathOf(device) && others) {
    throw new Refusal("4.03", "other_device", `a record is named ${quoted(name)}, but ${quoted(device.id)} posts it`);
  }
  if (own === "") throw badPayload(`a record is named ${quoted(name)}, which names no resource`);
  if (resource !== undefined && own !== resource) {
    throw badPayload(`a record is named ${quoted(name)}, but it was posted to the resource ${quoted(resource)}`);
  }
  return own;
}
