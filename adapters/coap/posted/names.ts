import { FormError, quoted } from "../../../src/profile/index.js";
import { pathOf, type Target, type Targets } from "./targets.js";

/**
 * The part of a SenML record's name after the device: `temp` of `temp`, `air/temp`, `air:temp` and `urn:dev:ow:10e2073a01080063:temp`.
 * A URN (RFC 9039) may say anything of a device but the name of another one of ours: then a FormError is thrown.
 */
export function resourceOf(name: string, { device }: Target, targets: Targets): string {
  const end = Math.max(name.lastIndexOf("/"), name.lastIndexOf(":"));
  const prefix = name.slice(0, Math.max(0, end));
  const urn = /^urn:/i.test(prefix);
  const others = urn ? prefix.split(/[:/]/).some((part) => targets.other(part, device) !== undefined) : true;
  if (prefix !== "" && prefix !== device.id && prefix !== pathOf(device) && others) {
    throw new FormError("other_device", `a record is named ${quoted(name)}, but ${quoted(device.id)} posts it`);
  }
  return name.slice(end + 1);
}
