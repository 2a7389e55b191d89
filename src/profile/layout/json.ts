import { decimalsOf, roundTo } from "../decimal.js";
import type { PointerField } from "../schema/fields.js";
import type { Raw } from "../value.js";
import type { Layout } from "./layout.js";

export interface JsonSection {
  readonly fields: Readonly<Record<string, PointerField>>;
}

/** The steps of a JSON pointer (RFC 6901 4). */
function steps(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A member of an object or an array; never one that it inherits. */
function member(parent: unknown, step: string): unknown {
  if (typeof parent !== "object" || parent === null || !Object.hasOwn(parent, step)) return undefined;
  return (parent as Record<string, unknown>)[step];
}

function isScalar(value: unknown): value is number | string | boolean | null {
  return value === null || typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

/** A number as fine as the one that stands in its place. */
function fit(example: unknown, value: Raw): unknown {
  if (typeof value === "bigint" || value instanceof Uint8Array) return String(value);
  if (typeof value !== "number") return value;
  const rounded = roundTo(value, typeof example === "number" ? decimalsOf(example) : 3);
  return typeof example === "string" ? String(rounded) : rounded;
}

/** Values of a JSON text. A member that is an object or a list is not a value and counts as not there. */
export function jsonLayout({ fields: section }: JsonSection): Layout {
  const pointers = new Map(
    Object.entries(section).map(([resource, { pointer }]) => [
      resource,
      pointer === undefined ? [resource] : steps(pointer),
    ]),
  );
  return {
    fields: new Map(Object.entries(section)),
    read({ text }) {
      let root: unknown;
      try {
        root = JSON.parse(text);
      } catch {
        // The parser's own message would quote hostile text.
        return { reason: "is not JSON" };
      }
      const raws = new Map<string, Raw>();
      for (const [resource, pointer] of pointers) {
        const value = pointer.reduce(member, root);
        if (isScalar(value)) raws.set(resource, value);
      }
      return raws;
    },
    write(frame, values) {
      const root: unknown = JSON.parse(frame.text);
      for (const [resource, value] of values) {
        const pointer = pointers.get(resource);
        const last = pointer?.at(-1);
        if (pointer === undefined || last === undefined) continue;
        const parent = pointer.slice(0, -1).reduce(member, root);
        const example = member(parent, last);
        if (typeof parent === "object" && parent !== null && example !== undefined) {
          (parent as Record<string, unknown>)[last] = fit(example, value);
        }
      }
      return frame.encode(JSON.stringify(root));
    },
  };
}
