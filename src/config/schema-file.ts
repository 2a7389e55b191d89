import type { AdapterSchemas } from "./schema.js";
import { configJsonSchema } from "./shape.js";

/** The JSON Schema as a file: one key a line, lists of plain values on one line where they fit, as the formatter has it. */
export function schemaFile(adapters: readonly AdapterSchemas[]): string {
  return `${print(configJsonSchema(adapters), "", 0)}\n`;
}

/** The line width of biome.json: the generated file passes the formatter as it is. */
const WIDTH = 120;

function print(value: unknown, indent: string, used: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const block = (open: string, parts: readonly string[], close: string): string =>
    parts.length === 0 ? open + close : `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
  if (Array.isArray(value)) {
    const flat = `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
    const plain = value.every((one) => typeof one !== "object" || one === null);
    // One column is for the comma behind it.
    if (plain && indent.length + used + flat.length < WIDTH) return flat;
    return block(
      "[",
      value.map((one: unknown) => print(one, inner, 0)),
      "]",
    );
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return block(
    "{",
    entries.map(([key, one]) => `${JSON.stringify(key)}: ${print(one, inner, key.length + 4)}`),
    "}",
  );
}
