import { RE2JS } from "re2js";
import type { Quality, Scalar } from "../core/reading.js";
import { binaryLayout } from "./layout/binary.js";
import { columnLayout } from "./layout/columns.js";
import { jsonLayout } from "./layout/json.js";
import { keyLayout } from "./layout/keys.js";
import { type Frame, frameOf, isUnreadable, type Layout } from "./layout/layout.js";
import { textLayout } from "./layout/text.js";
import type { Resource } from "./profile.js";
import type { MatchSection, MessageSection } from "./schema/messages.js";
import { interpret, type Raw, toRaw } from "./value.js";

/** One value that a frame carried. */
export interface DecodedValue {
  readonly resource: string;
  readonly value: Scalar;
  /** uncertain: outside of the resource's range, not listed in its enumeration, or too large to be exact. */
  readonly quality: Quality;
  readonly unit?: string;
}

/** What a frame says. */
export type Decoded =
  | { readonly kind: "values"; readonly message: string; readonly values: readonly DecodedValue[] }
  /** No message of the profile is like that. */
  | { readonly kind: "unmatched" }
  /** It is this message, but cannot be read. */
  | { readonly kind: "bad"; readonly message: string; readonly reason: string };

/** One kind of frame, ready to work. */
export interface Message {
  readonly name: string;
  /** The resources that it can carry. */
  readonly resources: ReadonlySet<string>;
  /** Undefined where the frame is not this message. */
  decode(frame: Frame): Decoded | undefined;
  /**
   * A frame of this message with other values in it; its checksum is not touched. Resources that it does not carry are
   * left out. Throws a RangeError for a value that has no room.
   */
  write(frame: Uint8Array, values: ReadonlyMap<string, Scalar>): Uint8Array;
}

/** The ways of saying where the values of a message stand. Most messages have one. */
export function layoutsOf(section: MessageSection): Layout[] {
  const layouts: Layout[] = [];
  if (section.binary !== undefined) layouts.push(binaryLayout(section.binary));
  if (section.text !== undefined) layouts.push(textLayout(section.text));
  if (section.delimited !== undefined) layouts.push(columnLayout(section.delimited));
  if (section.keyValue !== undefined) layouts.push(keyLayout(section.keyValue));
  if (section.json !== undefined) layouts.push(jsonLayout(section.json));
  return layouts;
}

function matcherOf(match: MatchSection | undefined): (frame: Frame) => boolean {
  if (match === undefined) return () => true;
  const { words, at, length } = match;
  const regex = match.regex === undefined ? undefined : RE2JS.compile(match.regex);
  return (frame) => {
    const { bytes } = frame;
    if (length !== undefined && bytes.length !== length) return false;
    const has = (word: readonly (number | undefined)[]) =>
      at + word.length <= bytes.length && word.every((byte, index) => byte === undefined || bytes[at + index] === byte);
    if (!words.every(has)) return false;
    // Byte for character, so that a pattern can count the bytes of a binary frame.
    return regex === undefined || regex.test(Buffer.from(bytes).toString("latin1"));
  };
}

export function compileMessage(
  name: string,
  section: MessageSection,
  resources: ReadonlyMap<string, Resource>,
): Message {
  const matches = matcherOf(section.match);
  const layouts = layoutsOf(section);
  // A pattern over the whole text is a match as well: what it does not fit is another message.
  const patternMatches = section.match === undefined && section.text?.pattern !== undefined;

  /** The readings of raw values, or why one of them makes no sense. */
  function readings(raws: ReadonlyMap<string, Raw>, layout: Layout): DecodedValue[] | string {
    const values: DecodedValue[] = [];
    for (const [resource, raw] of raws) {
      const known = resources.get(resource);
      const rule = layout.fields.get(resource);
      if (known === undefined || rule === undefined) continue;
      const interpreted = interpret(raw, rule, known);
      if (interpreted.kind === "bad") return `${resource}: ${interpreted.reason}`;
      if (interpreted.kind === "none") continue;
      const { value, quality } = interpreted;
      values.push({ resource, value, quality, ...(known.unit === undefined ? {} : { unit: known.unit }) });
    }
    return values;
  }

  return {
    name,
    resources: new Set(layouts.flatMap((layout) => [...layout.fields.keys()])),
    decode(frame) {
      if (!matches(frame)) return undefined;
      const values: DecodedValue[] = [];
      let found = layouts.length === 0;
      for (const layout of layouts) {
        const raws = layout.read(frame);
        if (isUnreadable(raws)) {
          return patternMatches ? undefined : { kind: "bad", message: name, reason: raws.reason };
        }
        found ||= raws.size > 0;
        const read = readings(raws, layout);
        if (typeof read === "string") return { kind: "bad", message: name, reason: read };
        values.push(...read);
      }
      if (!found) return { kind: "bad", message: name, reason: "none of its values is there" };
      return { kind: "values", message: name, values };
    },
    write(frame, values) {
      let written = frame;
      for (const layout of layouts) {
        const raws = new Map<string, Raw>();
        for (const [resource, rule] of layout.fields) {
          const value = values.get(resource);
          const raw = value === undefined ? undefined : toRaw(value, rule);
          if (raw !== undefined) raws.set(resource, raw);
        }
        if (raws.size > 0) written = layout.write(frameOf(written), raws);
      }
      return written;
    },
  };
}
