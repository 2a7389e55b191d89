import type { Scalar } from "../core/reading.js";
import { contentFormatOf, type Form, type Profile, writeAll, writeOne } from "../profile/index.js";

/** How a device posts. */
export interface Posting {
  readonly format: Form;
  /** All values in one request, or one request a value. */
  readonly post: "device" | "resource";
}

/** What a device posts at once. */
export interface Post {
  /** Uri-Path segments. */
  readonly path: readonly string[];
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

/** How a device of this profile posts. It may have no coap section: then it posts one JSON object. */
export function postingOf({ coap }: Profile): Posting {
  return { format: coap?.format ?? "json", post: coap?.post ?? "device" };
}

/** The requests that carry these values, for a device that posts below `path`. Throws SenmlError for a name SenML has no words for. */
export function postsOf(
  { resources }: Profile,
  { format, post }: Posting,
  path: string,
  values: ReadonlyMap<string, Scalar>,
): Post[] {
  const contentFormat = contentFormatOf(format);
  const below = path.split("/").filter((segment) => segment !== "");
  if (values.size === 0) return [];
  if (post === "device") {
    return [{ path: below, contentFormat, payload: writeAll(format, values, resources) }];
  }
  return [...values].map(([resource, value]) => ({
    path: [...below, resource],
    contentFormat,
    payload: writeOne(format, resource, value, resources),
  }));
}
