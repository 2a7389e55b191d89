/**
 * Whether a device is there: a pure state machine. It is online while its link is up and there was a sign of life less than
 * `stale` ms ago. A reading is one. So is the opening of a link that stands for its device (a serial line); of a link that
 * only listens (a CoAP server) it is not.
 *
 * `now` is in ms of any clock that does not jump; set back, it counts as standing still.
 */
export interface Presence {
  readonly linkUp: boolean;
  /** The last sign of life since the link was lost last: a first reading may come before the link is known to be up. */
  readonly seen: number | undefined;
}

export type PresenceEvent = { readonly kind: "link"; readonly up: boolean } | { readonly kind: "reading" };

export interface PresenceRule {
  /** Whether an open link says that the device is there (`Link.impliesOnline`). */
  readonly impliesOnline: boolean;
  /** ms without a reading until the device counts as offline; never where left out. */
  readonly stale?: number | undefined;
}

export const ABSENT: Presence = { linkUp: false, seen: undefined };

export function nextPresence(state: Presence, event: PresenceEvent, rule: PresenceRule, now: number): Presence {
  if (event.kind === "reading") return { ...state, seen: now };
  if (!event.up) return ABSENT;
  if (state.linkUp) return state;
  return { linkUp: true, seen: rule.impliesOnline ? now : state.seen };
}

/** ms until the device counts as offline for its silence; undefined where it is offline already or silence does not matter. */
export function timeToStale(state: Presence, rule: PresenceRule, now: number): number | undefined {
  if (rule.stale === undefined || !isOnline(state, rule, now)) return undefined;
  return rule.stale - silence(state, now);
}

export function isOnline(state: Presence, rule: PresenceRule, now: number): boolean {
  return state.linkUp && silence(state, now) < (rule.stale ?? Number.POSITIVE_INFINITY);
}

function silence(state: Presence, now: number): number {
  return state.seen === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - state.seen);
}
