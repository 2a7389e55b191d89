import type { Message } from "../core/message.js";
import type { Row } from "./render.js";

/** Keeps the latest message of each topic as a row. Bounded: topics beyond the first 200 are counted, not kept. */
export interface Heard {
  hear(message: Message, now: number): void;
  /** By device; of one device in the order in which they were first heard, which is the profile's. */
  rows(): Row[];
  /** How many topics are kept. */
  readonly size: number;
  /** Messages of topics that are not kept. */
  readonly others: number;
}

export const MAX_ROWS = 200;
/** Bytes of a payload that are looked at. A reading has about fifty. */
const MAX_PAYLOAD = 4_096;

/** @param prefix what the topics begin with, with its slash (`site7/weir/`): what follows is the device and then the resource */
export function createHeard(prefix?: string): Heard {
  const rows = new Map<string, Row>();
  let others = 0;
  return {
    hear: ({ topic, payload, qos }, now) => {
      // A broker's own talk (`$SYS`), which nobody asked for with `#` (MQTT 4.7.2).
      if (topic.startsWith("$")) return;
      const known = rows.get(topic);
      if (known === undefined && rows.size >= MAX_ROWS) {
        others += 1;
        return;
      }
      const messages = (known?.messages ?? 0) + 1;
      rows.set(topic, { ...placeOf(topic, prefix), ...readingOf(payload), qos, heardAt: now, messages });
    },
    rows: () => [...rows.values()].sort((a, b) => compare(a.device, b.device)),
    get size() {
      return rows.size;
    },
    get others() {
      return others;
    },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Below the prefix the device and the rest; without it the last two levels, which is what most topic templates end with. */
export function placeOf(topic: string, prefix?: string): Pick<Row, "device" | "resource"> {
  const levels = topic.split("/");
  if (prefix === undefined || !topic.startsWith(prefix)) {
    const resource = levels.length > 1 ? (levels.pop() ?? "") : "";
    return { device: levels.pop() ?? "", resource };
  }
  const [device = "", ...resource] = topic.slice(prefix.length).split("/");
  return { device, resource: resource.join("/") };
}

/** What a person wants to see of a payload: value and unit of a JSON reading, the text of anything else. */
export function readingOf(payload: Uint8Array): Pick<Row, "value" | "unit"> {
  const text = Buffer.from(payload.subarray(0, MAX_PAYLOAD)).toString();
  const reading = payload.length <= MAX_PAYLOAD && text.startsWith("{") ? parseObject(text) : undefined;
  if (reading === undefined || !("v" in reading)) return { value: text, unit: "" };
  const { v, u, q } = reading;
  const unit = typeof u === "string" ? u : "";
  // What is good needs no word.
  const quality = typeof q === "string" && q !== "good" ? `(${q})` : "";
  const value = typeof v === "string" ? v : (JSON.stringify(v) ?? "");
  return { value, unit: [unit, quality].filter((part) => part !== "").join(" ") };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined; // only looks like JSON
  }
}
