import assert from "node:assert/strict";
import test from "node:test";
import { configJsonSchema, referencePage, schemaFile } from "../../../src/config/index.js";
import { asShape, itemsOf, type Shape } from "../../../src/config/shape.js";
import { adapters } from "./fixtures.js";

function keysWithoutDescription(shape: Shape, path: string): string[] {
  const below = Object.entries(shape.properties ?? {}).flatMap(([key, value]) => {
    const member = asShape(value) ?? {};
    const own = member.description === undefined ? [`${path}.${key}`] : [];
    return [...own, ...keysWithoutDescription(member, `${path}.${key}`)];
  });
  const inner = [
    itemsOf(shape),
    asShape(shape.additionalProperties),
    ...(path.endsWith(".devices") ? [] : (shape.oneOf ?? [])),
  ];
  return [...below, ...inner.flatMap((one) => (one ? keysWithoutDescription(one, `${path}[]`) : []))];
}

test("every key has a description", () => {
  const schema = configJsonSchema([]);
  assert.deepEqual(keysWithoutDescription(schema, ""), []);
});

test("the JSON Schema knows the adapters and the forms of their addresses", () => {
  const device = itemsOf(asShape(configJsonSchema(adapters).properties?.["devices"]));
  assert.deepEqual(asShape(device?.properties?.["adapter"])?.enum, ["coap", "serial"]);
  const forms = device?.oneOf?.map(({ properties }) => asShape(properties?.["adapter"])?.const);
  assert.deepEqual(forms, ["serial", "coap"]);
  assert.equal(JSON.parse(schemaFile(adapters)).title, "Weir configuration");
});

test("the reference page has every key with type and default", () => {
  // The columns are padded: one space is enough to tell.
  const page = referencePage(adapters).replace(/ +/g, " ");
  const rows = [
    '| `listeners` | list of text or section | `["tcp://127.0.0.1:1883","ws://127.0.0.1:8083"]` | Where MQTT clients connect',
    '| `keepAlive` | duration | `"30s"` | Longest silence',
    "| `id` | text | required | Names the device",
    "| `qos` | `0` or `1` or `2` | `1` | MQTT quality of service",
    '| `listen` | text | `"udp://127.0.0.1:5683"` | Where it listens. |',
    "### `adapters.coap`",
    "### `devices[].resources.<name>`",
    "As [`devices[].report`](#devicesreport).",
    "## Address of a serial device",
    "As text: Path of the port. Or as a section:",
  ];
  for (const row of rows) assert.ok(page.includes(`\n${row}`), row);
});
