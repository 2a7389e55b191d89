import { ByteWriter, varintSize, whole } from "./byte-writer.js";
import { definitionNamed, type Properties, type PropertyDefinition } from "./properties.js";
import { topicNameFault } from "./text.js";

/** The properties alone; their length, which stands before them, is known afterwards. Throws RangeError. */
export function writeProperties(to: ByteWriter, place: number, properties: Properties): void {
  for (const name of Object.keys(properties)) {
    const value: unknown = properties[name as keyof Properties];
    if (value === undefined) continue;
    const definition = definitionNamed(place, name);
    if (definition === undefined) throw new RangeError(`${name}: not a property of this packet [MQTT 5 2.2.2.2]`);
    if (definition.repeated === true) {
      if (!Array.isArray(value)) throw new RangeError(`${name}: not an array`);
      for (const one of value) writeValue(to, definition, one);
    } else {
      writeValue(to, definition, value);
    }
  }
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw new RangeError("authenticationData without authenticationMethod [MQTT 5 3.1.2.11.10]");
  }
}

/** A property section with its length (MQTT 5 2.2.2). */
export function writeSection(to: ByteWriter, place: number, properties: Properties | undefined): void {
  if (properties === undefined) {
    to.uint8(0);
    return;
  }
  const section = new ByteWriter();
  writeProperties(section, place, properties);
  to.varint(section.length, "properties");
  to.raw(section.bytes);
}

export function sectionSize(properties: number): number {
  return varintSize(properties) + properties;
}

function writeValue(to: ByteWriter, { id, name, type, positive }: PropertyDefinition, value: unknown): void {
  to.uint8(id);
  switch (type) {
    case "flag":
      if (typeof value !== "boolean") throw new RangeError(`${name}: not a boolean`);
      to.uint8(value ? 1 : 0);
      return;
    case "qos":
      to.uint8(whole(numberOf(value, name), 1, name));
      return;
    case "uint16":
      to.uint16(numberOf(value, name, positive), name);
      return;
    case "uint32":
      to.uint32(numberOf(value, name, positive), name);
      return;
    case "varint":
      to.varint(numberOf(value, name, positive), name);
      return;
    case "string":
      to.string(textOf(value, name), name);
      return;
    case "topic": {
      const topic = textOf(value, name);
      const fault = topicNameFault(topic);
      if (fault !== undefined) throw new RangeError(`${name}: ${fault}`);
      to.string(topic, name);
      return;
    }
    case "binary":
      if (!(value instanceof Uint8Array)) throw new RangeError(`${name}: not bytes`);
      to.binary(value, name);
      return;
    case "pair":
      if (!Array.isArray(value) || value.length !== 2) throw new RangeError(`${name}: not a pair`);
      to.string(textOf(value[0], name), name);
      to.string(textOf(value[1], name), name);
  }
}

function numberOf(value: unknown, name: string, positive = false): number {
  if (typeof value !== "number" || (positive && value === 0)) {
    throw new RangeError(`${name}: ${String(value)}${positive ? ", at least 1" : ""}`);
  }
  return value;
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== "string") throw new RangeError(`${name}: not a string`);
  return value;
}
