import { randomBytes } from "node:crypto";

/** 8 hex digits, by chance: enough to tell the few apart that one outbox ever has. */
export function makeEpoch(): string {
  return randomBytes(4).toString("hex");
}
