import type { Cursor } from "./cursor.js";
import { MqttError, malformed, protocolError } from "./error.js";
import { definitionOf, type Properties, type PropertyDefinition } from "./properties.js";

type Value = boolean | number | string | Uint8Array | readonly [string, string];
type Mutable = Partial<Record<keyof Properties, Value | Value[]>>;

/** A property section with its length (MQTT 5 2.2.2). Undefined where it is empty. */
export function readProperties(cursor: Cursor, place: number): Properties | undefined {
  const length = cursor.varint();
  const behind = cursor.leftAfter(length);
  if (length === 0) return undefined;
  const found: Mutable = {};
  while (cursor.left > behind) {
    const id = cursor.varint();
    const definition = definitionOf(place, id);
    if (definition === undefined) throw malformed(`property ${id} where it must not be [MQTT 5 2.2.2.2]`);
    const { name } = definition;
    const value = readValue(cursor, definition);
    if (cursor.left < behind) throw malformed(`${name} goes on beyond the properties' end`);
    const known = found[name];
    if (definition.repeated === true) {
      if (Array.isArray(known)) (known as Value[]).push(value);
      else found[name] = [value];
    } else {
      if (known !== undefined) throw protocolError(`${name} more than once [MQTT 5 2.2.2.2]`);
      found[name] = value;
    }
  }
  if (found.authenticationData !== undefined && found.authenticationMethod === undefined) {
    throw protocolError("authentication data without a method [MQTT 5 3.1.2.11.10]");
  }
  // The table gives each name the type that Properties has for it.
  return found as Properties;
}

function readValue(cursor: Cursor, { name, type, positive }: PropertyDefinition): Value {
  switch (type) {
    case "flag":
      return zeroOrOne(cursor, name) === 1;
    case "qos":
      return zeroOrOne(cursor, name);
    case "uint16":
      return checked(cursor.uint16(), name, positive);
    case "uint32":
      return checked(cursor.uint32(), name, positive);
    case "varint":
      return checked(cursor.varint(), name, positive);
    case "string":
      return cursor.string();
    case "topic":
      return cursor.topicName();
    case "binary":
      return cursor.binary();
    case "pair":
      return [cursor.string(), cursor.string()];
  }
}

function zeroOrOne(cursor: Cursor, name: string): number {
  const value = cursor.uint8();
  if (value > 1) throw protocolError(`${name} is ${value}: it is 0 or 1`);
  return value;
}

function checked(value: number, name: string, positive: boolean | undefined): number {
  if (positive !== true || value > 0) return value;
  if (name === "topicAlias") throw new MqttError("PROTOCOL_ERROR", "topic alias 0 [MQTT-3.3.2-8]", 0x94);
  throw protocolError(`${name} is 0`);
}
