import { z } from "zod";

/** The schema inside of what only adds a default, a check or a transformation. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema;
}

/** The schemas that may stand one step below. */
function below(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const child: z.core.$ZodType | undefined = inner.shape[step];
    return child === undefined ? [] : [child];
  }
  if (inner instanceof z.ZodRecord) return [inner.valueType];
  if (inner instanceof z.ZodArray) return [inner.element];
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => below(option, step));
  return [];
}

function keysOf(schema: z.core.$ZodType): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  return inner instanceof z.ZodUnion ? inner.options.flatMap(keysOf) : [];
}

/** The keys that the objects at a path may have: what an unknown key may have been meant to be. */
export function keysAt(schema: z.core.$ZodType, path: readonly (string | number)[]): string[] {
  let schemas = [schema];
  for (const step of path) schemas = schemas.flatMap((candidate) => below(candidate, step));
  return [...new Set(schemas.flatMap(keysOf))];
}
