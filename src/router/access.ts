/** Who may command what: the rules of `commands.allow`. */
import type { Action } from "../core/command.js";
import type { Origin } from "../core/message.js";
import { fitsPattern } from "../core/pattern.js";

/** What is left out allows all; `*` in a pattern stands for any text, or none. */
export interface CommandRule {
  /** A bridge's id, `local` for the clients of the embedded broker and the gateway itself, `client:PATTERN` for some of them. */
  readonly from?: string | undefined;
  readonly device?: string | undefined;
  readonly resource?: string | undefined;
  readonly actions?: readonly ("set" | "get" | "exec")[] | undefined;
}

export interface CommandTarget {
  readonly device: string;
  readonly resource: string;
  readonly action: Action;
}

/** Whether a message that came from there may give that command. */
export type CommandAccess = (origin: Origin, target: CommandTarget) => boolean;

const VERBS = { write: "set", read: "get", execute: "exec" } as const;
const CLIENT = "client:";

/** Without rules everyone may. With rules, whom one of them names: an empty list forbids all. */
export function commandAccess(rules: readonly CommandRule[] | undefined): CommandAccess {
  if (rules === undefined) return () => true;
  return (origin, { device, resource, action }) =>
    rules.some(
      (rule) =>
        (rule.from === undefined || isFrom(rule.from, origin)) &&
        (rule.device === undefined || fitsPattern(rule.device, device)) &&
        (rule.resource === undefined || fitsPattern(rule.resource, resource)) &&
        (rule.actions === undefined || rule.actions.includes(VERBS[action])),
    );
}

function isFrom(from: string, origin: Origin): boolean {
  switch (origin.from) {
    case "bridge":
      return from === origin.bridge && from !== "local";
    case "client":
      return from === "local" || (from.startsWith(CLIENT) && fitsPattern(from.slice(CLIENT.length), origin.client));
    case "gateway":
      return from === "local";
    case "device":
      return false;
  }
}
