import type { AdapterSchemas } from "./schema.js";
import { addressShape, alternatives, asShape, configJsonSchema, itemsOf, type Shape } from "./shape.js";

/** The reference page in Markdown: every key with its type, default and meaning, in the order of the schema. */
export function referencePage(adapters: readonly AdapterSchemas[]): string {
  const schema = configJsonSchema(adapters);
  const lines = [
    "# Configuration reference",
    "",
    "Made from the schema by `weir schema reference`; do not edit. The guide is [configuration.md](../guide/configuration.md).",
    "",
    "A duration is text with its unit (`500ms`, `10s`, `5m`, `1h`, `1d`), a size too (`512B`, `10kB`, `64MiB`).",
    "",
  ];
  const told = new Map<string, string>();
  lines.push(...section("", schema, 1, told));
  for (const adapter of adapters) {
    const shape = addressShape(adapter);
    lines.push(`## Address of a ${adapter.name} device`, "");
    lines.push(...prose(shape), ...addressForms(shape), ...section("devices[].address", shape, 3, told));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

interface Row {
  readonly key: string;
  readonly shapes: readonly Shape[];
  readonly required: boolean;
}

/** The keys of an object, or of the objects of a union together. */
function rows(shape: Shape): Row[] {
  const objects = alternatives(shape).filter((one) => one.properties);
  const found = new Map<string, Shape[]>();
  for (const object of objects) {
    for (const [key, value] of Object.entries(object.properties ?? {})) {
      const member = asShape(value);
      if (member) found.set(key, [...(found.get(key) ?? []), member]);
    }
  }
  // A shape with keys of its own says what is required; its members only add to it. In a plain union all must agree.
  const deciding = shape.properties ? [shape] : objects;
  return [...found].map(([key, shapes]) => {
    const required = deciding.every((object) => object.required?.includes(key) ?? false);
    return {
      key,
      shapes: key === "address" ? [{ description: shapes[0]?.description ?? "" }] : distinct(shapes),
      required,
    };
  });
}

function distinct(shapes: readonly Shape[]): Shape[] {
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

/** The cells of one key: name, type, default, meaning. */
function cells({ key, shapes, required }: Row): string[] {
  const standard = shapes.map((one) => one.default).find((one) => one !== undefined);
  const fallback = required ? "required" : standard === undefined ? "" : code(JSON.stringify(standard));
  const meaning = [...new Set(shapes.map(describe))].filter((text) => text !== "").join(" ");
  return [code(key), types(shapes), fallback, meaning].map(cell);
}

/** A table with its columns in line, as the formatter has it. */
function grid(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const [head, ...rows] = table.map((row) => line(row.map((text, column) => text.padEnd(widths[column] ?? 0))));
  return [head ?? "", line(widths.map((width) => "-".repeat(width))), ...rows];
}

/** A table of the keys below `path`, then one for each of them that has keys itself. What was told before is named only. */
function section(path: string, shape: Shape, depth: number, told: Map<string, string>): string[] {
  const table = rows(shape);
  if (table.length === 0) return [];
  const print = JSON.stringify({ ...shape, description: "", default: "" });
  const before = told.get(print);
  if (before !== undefined) return [`As [${code(before)}](#${anchor(before)}).`, ""];
  told.set(print, path);
  const lines = [...grid([["key", "type", "default", "meaning"], ...table.map(cells)]), ""];
  for (const { key, shapes } of table) {
    for (const one of shapes) {
      const [below, suffix] = inner(one);
      const place = `${path === "" ? "" : `${path}.`}${key}${suffix}`;
      const deeper = below ? section(place, below, depth + 1, told) : [];
      if (deeper.length > 0)
        lines.push(`${"#".repeat(Math.min(depth + 1, 5))} ${code(place)}`, "", ...prose(one), ...deeper);
    }
  }
  return lines;
}

/** What holds keys of its own inside a list or a map of names. */
function inner(shape: Shape): [Shape | undefined, string] {
  const items = itemsOf(shape);
  if (items) return [items, "[]"];
  const named = asShape(shape.additionalProperties);
  return named ? [named, ".<name>"] : [shape, ""];
}

function prose(shape: Shape): string[] {
  return shape.description ? [untagged(shape.description), ""] : [];
}

function describe(shape: Shape): string {
  const constant = shape.const === undefined ? "" : `\`${String(shape.const)}\`: `;
  return shape.description ? constant + shape.description : "";
}

/** The ways to write an address that are not a section. */
function addressForms(shape: Shape): string[] {
  const texts = alternatives(shape).filter((one) => one.type === "string");
  if (texts.length === 0) return [];
  const described = texts.flatMap((one) => (one.description ? [untagged(one.description)] : []));
  return [
    `As text${described.length > 0 ? `: ${described.join(" ")}` : ""}, or as a section:`.replace(/\., or/, ". Or"),
    "",
  ];
}

function types(shapes: readonly Shape[]): string {
  return [...new Set(shapes.flatMap((shape) => typeNames(shape)))].join(" or ");
}

function typeNames(shape: Shape): string[] {
  if (shape.enum) return shape.enum.map((option) => code(String(option)));
  if (shape.const !== undefined) return [code(String(shape.const))];
  const members = [...(shape.anyOf ?? []), ...(shape.oneOf ?? [])];
  if (members.length > 0 && !shape.properties) return members.flatMap(typeNames);
  if (shape.title && shape.type === "string") return [shape.title];
  if (shape.type === "array") return [`list of ${typeNames(itemsOf(shape) ?? {}).join(" or ")}`];
  if (shape.type === "object") return [asShape(shape.additionalProperties) ? "sections by name" : "section"];
  if (shape.type === "string") return ["text"];
  if (shape.type === "integer") return ["whole number"];
  return shape.type === undefined ? ["see below"] : [shape.type].flat();
}

/** How GitHub names a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^a-z0-9 -]/g, "");
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Plain text in Markdown: `<` outside of code would begin a tag. */
function untagged(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "\\<") : part))
    .join("`");
}

function cell(text: string): string {
  return untagged(text.replaceAll("|", "\\|").replace(/\s+/g, " "));
}
