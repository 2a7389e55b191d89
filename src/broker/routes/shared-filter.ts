import { validFilter } from "../../core/topics.js";

export interface SubscribedFilter {
  /** The name of the group that shares its messages; undefined: not shared. */
  readonly group: string | undefined;
  /** Without `$share/group/`. */
  readonly filter: string;
}

const SHARE = "$share/";

/** What a client subscribes to, `$share/{group}/{filter}` or a filter; undefined where it is not valid (MQTT 5 4.7.1, 4.8.2). */
export function parseFilter(text: string): SubscribedFilter | undefined {
  if (!validFilter(text)) return undefined;
  if (!text.startsWith(SHARE)) return { group: undefined, filter: text };
  const end = text.indexOf("/", SHARE.length);
  const group = text.slice(SHARE.length, end);
  const filter = text.slice(end + 1);
  // One character at least, no wildcard, and a filter after it (MQTT-4.8.2-1, -2)
  if (end <= SHARE.length || /[+#]/.test(group) || filter === "") return undefined;
  return { group, filter };
}
