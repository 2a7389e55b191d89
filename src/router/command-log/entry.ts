import { z } from "zod";
import type { Action, CommandResult } from "../../core/command.js";
import type { Scalar } from "../../core/reading.js";

/** What is known of one id of one device. */
export interface Entry {
  readonly device: string;
  readonly id: string;
  readonly resource: string;
  /** A digest of what was asked: the same id must not stand for two things. */
  readonly content: string;
  readonly state: /** Waits for its turn: all that it takes to run it after a restart. The deadline in ms since the Unix epoch. */
    | { readonly kind: "taken"; readonly action: Action; readonly value?: Scalar; readonly deadline: number }
    /** Was about to be handed to the device's session, or was. */
    | { readonly kind: "begun" }
    /** `told`: the result is safe on its way to whoever asked. */
    | { readonly kind: "ended"; readonly result: CommandResult; readonly told: boolean };
}

/** One line of the log: what is known from now on, or that nothing is. */
export type Note =
  | Entry
  | { readonly device: string; readonly id: string; readonly state: { readonly kind: "forgotten" } };

/** A longer value is left out of the result that is remembered, in characters of JSON. */
const LONGEST_VALUE = 4096;
/** One more than a result message shows: what is cut there is cut again in the same place. In characters. */
const LONGEST_MESSAGE = 501;

/** JSON has no bytes, NaN or infinity. */
const scalar = z.tuple([z.enum(["number", "boolean", "string", "bytes"]), z.string()]).transform(unpack);
const key = { device: z.string(), id: z.string() };
const entry = { ...key, resource: z.string(), content: z.string() };
const result = z.union([
  z.strictObject({ ok: z.literal(true), value: scalar.exactOptional() }),
  z.strictObject({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);
const taken = z.strictObject({
  kind: z.literal("taken"),
  action: z.enum(["read", "write", "execute"]),
  value: scalar.exactOptional(),
  deadline: z.number(),
});
const ended = z.strictObject({ kind: z.literal("ended"), result, told: z.boolean() });
const begun = z.strictObject({ kind: z.literal("begun") });
const notes = z.array(
  z.union([
    z.strictObject({ ...entry, state: z.discriminatedUnion("kind", [taken, begun, ended]) }),
    z.strictObject({ ...key, state: z.strictObject({ kind: z.literal("forgotten") }) }),
  ]),
);

/** The result as it is remembered and given again. */
export function remembered(result: CommandResult): CommandResult {
  if (!result.ok) return { ...result, message: result.message.slice(0, LONGEST_MESSAGE) };
  if (result.value === undefined || JSON.stringify(pack(result.value)).length <= LONGEST_VALUE) return result;
  return { ok: true };
}

export function encodeNote(note: Note): string {
  return JSON.stringify({ ...note, state: packState(note.state) });
}

/** The notes of `[note,note]`, undefined where no Weir of this version wrote it. */
export function decodeNotes(text: string): readonly Note[] | undefined {
  try {
    return notes.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // no JSON
  }
}

function packState(state: Note["state"]): object {
  if (state.kind === "taken") return { ...state, ...packed(state.value) };
  if (state.kind !== "ended" || !state.result.ok) return state;
  return { ...state, result: { ...state.result, ...packed(state.result.value) } };
}

function packed(value: Scalar | undefined): { readonly value?: readonly [string, string] } {
  return value === undefined ? {} : { value: pack(value) };
}

function pack(value: Scalar): readonly [string, string] {
  if (value instanceof Uint8Array) return ["bytes", Buffer.from(value).toString("base64")];
  return [typeof value, String(value)];
}

function unpack([type, text]: readonly ["number" | "boolean" | "string" | "bytes", string]): Scalar {
  switch (type) {
    case "number":
      return Number(text);
    case "boolean":
      return text === "true";
    case "string":
      return text;
    case "bytes":
      return Uint8Array.from(Buffer.from(text, "base64"));
  }
}
