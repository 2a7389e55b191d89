import type { SubscribeRefusal } from "../../core/pubsub.js";
import { validFilter } from "../../core/topics.js";
import { FILTER_INVALID, rewrittenFilter } from "../connection/granted.js";
import { NOT_AUTHORIZED } from "../connection/place.js";
import { topicFault } from "../connection/topic-fault.js";
import type { Core } from "../core.js";

/** What a client's filter becomes; undefined where it is none. */
export function takenFilter(core: Core, filter: string): string | undefined {
  if (!validFilter(filter)) return undefined;
  const rewritten = rewrittenFilter(core, filter);
  return topicFault(rewritten, core.limits.topicLevels) === undefined ? rewritten : undefined;
}

/** What a reason code of SUBACK says; undefined: it was granted. */
export function subscribeRefusal(code: number): SubscribeRefusal | undefined {
  if (code < 0x80) return undefined;
  if (code === NOT_AUTHORIZED) return "forbidden";
  return code === FILTER_INVALID ? "invalid" : "too_many";
}
