/** MQTT 5 reason codes that may pass: unspecified, implementation specific, packet id in use. */
const PASSING: ReadonlySet<number> = new Set([0x80, 0x83, 0x91]);
/** It has no room now, and says nothing about the message: that is waited for, however long it takes. */
const QUOTA_EXCEEDED = 0x97;
/** Before a message that is refused for a reason that may pass is given up. */
const TRIES = 5;

/** What a reason code of PUBACK or PUBREC from 0x80 on means for a message that was refused so often, this time included. Pure. */
export function isForGood(reasonCode: number, refusals: number): boolean {
  return reasonCode !== QUOTA_EXCEEDED && (!PASSING.has(reasonCode) || refusals >= TRIES);
}
