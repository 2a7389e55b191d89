import type { Qos } from "../../core/message.js";
import type { Place } from "./notes.js";
import type { Mapping } from "./topic.js";

/** What comes out, each part with the line that it came from. Keys are spelled as in the configuration. */
export interface Draft {
  readonly listeners: readonly { readonly url: string; readonly place: Place }[];
  readonly bridges: readonly DraftBridge[];
}

export interface DraftBridge {
  readonly place: Place;
  /** Everything but the rules, in the order to write it. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly rules: readonly DraftRule[];
}

export interface DraftRule extends Mapping {
  readonly place: Place;
  readonly direction: "out" | "in" | "both";
  readonly qos: Qos;
  readonly retain?: "clear";
}

/** What `src/config/schema.ts` takes of each. */
export const MOST = { listeners: 16, bridges: 16, rules: 256 } as const;
