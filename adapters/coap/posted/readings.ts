import type { Reading } from "../../../src/core/reading.js";
import { validResourceName } from "../../../src/core/topics.js";
import {
  badPayload,
  FormError,
  type FormValue,
  plainValue,
  quoted,
  type TypedValue,
  typedValue,
} from "../../../src/profile/index.js";
import type { Device } from "./targets.js";

/** How many values one request may have. */
export function maxValues(device: Device): number {
  // A device may send a history of its few resources; without a profile each name may be a new topic.
  return device.profile === undefined ? 64 : 1024;
}

/** What was posted, as readings: all of it, or a FormError is thrown. */
export function readingsOf(device: Device, posted: readonly FormValue[], now: number): Reading[] {
  return posted.map((one) => {
    const { value, quality } = device.profile === undefined ? freely(one) : byProfile(device, one);
    const unit = one.unit ?? device.profile?.resources.get(one.resource)?.unit;
    const time = one.time ?? now;
    return { device: device.id, resource: one.resource, value, time, quality, ...(unit === undefined ? {} : { unit }) };
  });
}

function freely(posted: FormValue): TypedValue {
  if (!validResourceName(posted.resource)) {
    throw badPayload(
      `${quoted(posted.resource)} is no name for a resource: 1 to 64 of A-Z a-z 0-9 . _ - are, except "status"`,
    );
  }
  return { value: plainValue(posted), quality: "good" };
}

function byProfile({ id, profile }: Device, posted: FormValue): TypedValue {
  const resource = profile?.resources.get(posted.resource);
  if (resource === undefined) {
    throw new FormError("unknown_resource", `the profile of ${quoted(id)} has no resource ${quoted(posted.resource)}`);
  }
  return typedValue(resource, posted);
}
