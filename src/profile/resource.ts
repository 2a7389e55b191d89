import type { Scalar } from "../core/reading.js";
import type { Resource } from "./profile.js";

/** Why a value does not fit a resource, as the end of a sentence that names the resource; undefined where it fits. */
export function checkValue(resource: Resource, value: Scalar): string | undefined {
  switch (resource.type) {
    case "number":
    case "integer": {
      if (typeof value !== "number" || !Number.isFinite(value)) return "must be a number";
      if (resource.type === "integer" && !Number.isInteger(value)) return "must be a whole number";
      if (resource.min !== undefined && value < resource.min) return `must be at least ${resource.min}`;
      if (resource.max !== undefined && value > resource.max) return `must be at most ${resource.max}`;
      return undefined;
    }
    case "boolean":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "string":
      return typeof value === "string" ? undefined : "must be text";
    case "bytes":
      return value instanceof Uint8Array ? undefined : "must be bytes";
  }
}
