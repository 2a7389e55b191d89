import { z } from "zod";
import type { Path } from "./problems.js";
import { type AdapterSchemas, fileSchema } from "./schema.js";

/** The part of JSON Schema that zod writes and that this folder reads. */
export type Shape = z.core.JSONSchema.JSONSchema;

/** The JSON Schema (2020-12) of a configuration file with these adapters: for editors, overrides and the reference page. */
export function configJsonSchema(adapters: readonly AdapterSchemas[]): Shape {
  const { $schema, ...schema } = toShape(fileSchema(adapters));
  const device = itemsOf(asShape(schema.properties?.["devices"]));
  const adapterKey = asShape(device?.properties?.["adapter"]);
  if (device && adapterKey) {
    adapterKey.enum = adapters.map((adapter) => adapter.name).sort();
    if (adapters.length > 0) device.oneOf = adapters.map(addressRule);
  }
  return { ...($schema ? { $schema } : {}), title: "Weir configuration", ...schema };
}

/** The shape of a device's address depends on the adapter that it names. */
function addressRule(adapter: AdapterSchemas): Shape {
  return { properties: { adapter: { const: adapter.name }, address: addressShape(adapter) }, required: ["adapter"] };
}

export function addressShape(adapter: AdapterSchemas): Shape {
  const { $schema: _, ...address } = toShape(adapter.address);
  return address;
}

/** As written in a file, before transforms. What JSON Schema cannot say becomes "anything". */
function toShape(schema: z.ZodType): Shape {
  const { "~standard": _, ...shape }: Shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return shape;
}

export function asShape(value: unknown): Shape | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Shape) : undefined;
}

export function itemsOf(shape: Shape | undefined): Shape | undefined {
  return asShape(shape?.items);
}

/** Everything that a value here may be: the members of unions, and the shape itself if it says something. */
export function alternatives(shape: Shape): Shape[] {
  const members = [...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])];
  const all = members.flatMap(alternatives);
  const says = shape.type !== undefined || shape.properties || shape.enum || shape.const !== undefined;
  return says || all.length === 0 ? [shape, ...all] : all;
}

/** Whether nothing is known about what goes here. */
export function isOpen(shape: Shape): boolean {
  return alternatives(shape).every(
    (one) => one.type === undefined && !one.properties && !one.enum && one.const === undefined,
  );
}

function specific(shapes: readonly (Shape | undefined)[]): Shape[] {
  const known = shapes.filter((shape) => shape !== undefined);
  const closed = known.filter((shape) => !isOpen(shape));
  return closed.length > 0 ? closed : known;
}

/** What goes below `key` of any of these; empty if none of them has such a key. */
export function childShapes(shapes: readonly Shape[], key: string | number): Shape[] {
  const found = shapes.flatMap(alternatives).map((shape) => {
    if (typeof key === "number") return itemsOf(shape) ?? (isOpen(shape) ? shape : undefined);
    const own = Object.hasOwn(shape.properties ?? {}, key) ? asShape(shape.properties?.[key]) : undefined;
    return own ?? asShape(shape.additionalProperties) ?? (isOpen(shape) ? shape : undefined);
  });
  return specific(found);
}

export function shapesAt(root: Shape, path: Path): Shape[] {
  return path.reduce<Shape[]>((shapes, key) => childShapes(shapes, key), [root]);
}

/** The keys that may stand in an object here. */
export function keysOf(shapes: readonly Shape[]): string[] {
  return [...new Set(shapes.flatMap(alternatives).flatMap((shape) => Object.keys(shape.properties ?? {})))];
}

/** `string`, `number`, `boolean`, `array`, `object`: what JSON Schema calls the types that may stand here. */
export function typesOf(shapes: readonly Shape[]): ReadonlySet<string> {
  const types = new Set<string>();
  for (const shape of shapes.flatMap(alternatives)) {
    for (const type of [shape.type ?? []].flat()) types.add(type === "integer" ? "number" : type);
    for (const option of [...(shape.enum ?? []), ...(shape.const === undefined ? [] : [shape.const])])
      types.add(typeof option);
  }
  return types;
}
