import { WeirError } from "../core/errors.js";
import type { Scalar } from "../core/reading.js";
import { parseTimeout, type ResourceType } from "./value.js";

/** What the payload of a command says. */
export interface Body {
  readonly value?: Scalar;
  /** ms */
  readonly timeout?: number;
  /** ms since the Unix epoch */
  readonly deadline?: number;
}

const KEYS = ["id", "value", "timeout", "deadline"];
const MAX_ID = 128; // characters
const BRACE = 0x7b;

/**
 * Reads the payload of a command. `tellId` hears the id as soon as it is known, so that a fault after it can be answered
 * under that id. Throws COMMAND_INVALID.
 */
export function readBody(payload: Uint8Array, type: ResourceType | undefined, tellId: (id: string) => void): Body {
  if (type === "bytes") return bytesBody(payload, tellId);
  const text = decode(payload);
  if (text === undefined) throw invalid("the payload is not UTF-8");
  if (text.trimStart().startsWith("{")) {
    const object = parseJson(text);
    if (!isRecord(object)) throw invalid("the payload begins with { but is not a JSON object");
    return readObject(object, tellId);
  }
  // The text is the value: it may be "25" or "true" and still be text, and may be empty.
  if (type === "string") return { value: quoted(text) ?? text };
  const bare = text.trim();
  if (bare === "") return {};
  const value = parseJson(bare);
  if (value === undefined) return { value: bare };
  if (!isScalar(value)) throw invalid("the payload is neither a single value nor an object with one");
  return { value };
}

/** Raw bytes are the value, unless they are an object such as commands have: its value is base64. */
function bytesBody(payload: Uint8Array, tellId: (id: string) => void): Body {
  const object = payload[0] === BRACE ? parseJson(decode(payload) ?? "") : undefined;
  if (isRecord(object) && Object.keys(object).every((key) => KEYS.includes(key))) return readObject(object, tellId);
  return { value: payload };
}

function readObject(object: Record<string, unknown>, tellId: (id: string) => void): Body {
  const { id, value, timeout, deadline } = object;
  if (id !== undefined) tellId(readId(id));
  const unknown = Object.keys(object).find((key) => !KEYS.includes(key));
  // A misspelt timeout that is ignored would run the command late.
  if (unknown !== undefined) {
    throw invalid(`unknown key ${JSON.stringify(unknown.slice(0, 32))}: there are ${KEYS.join(", ")}`);
  }
  if (timeout !== undefined && deadline !== undefined)
    throw invalid("it has a timeout and a deadline: give one of them");
  if (deadline !== undefined && !(typeof deadline === "number" && Number.isFinite(deadline))) {
    throw invalid("the deadline must be a number: ms since 1970");
  }
  if (value !== undefined && value !== null && !isScalar(value)) {
    throw invalid("the value must be a number, true or false, or text");
  }
  return {
    ...(value === undefined || value === null ? {} : { value }),
    ...(timeout === undefined ? {} : { timeout: parseTimeout(timeout) }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}

function readId(id: unknown): string {
  const text = typeof id === "number" ? String(id) : id;
  if (typeof text !== "string" || text === "" || text.length > MAX_ID) {
    throw invalid(`the id must be text of 1 to ${MAX_ID} characters, or a number`);
  }
  return text;
}

/** `"text"` in quotes is JSON, so that text can also be given the way JSON writers do. */
function quoted(text: string): string | undefined {
  const value = text.startsWith('"') ? parseJson(text) : undefined;
  return typeof value === "string" ? value : undefined;
}

function decode(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    // not UTF-8: the caller says what that means
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // not JSON: the caller says what that means
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is number | boolean | string {
  // JSON has 1e999, which is read as infinity.
  return (
    typeof value === "boolean" || typeof value === "string" || (typeof value === "number" && Number.isFinite(value))
  );
}

function invalid(problem: string): WeirError {
  return new WeirError("COMMAND_INVALID", problem);
}
