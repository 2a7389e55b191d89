import fc from "fast-check";
import type { Publication } from "../../../../src/broker/publication.js";
import type { Grant, Subscriber, SubscriptionOptions } from "../../../../src/broker/routes/subscriber.js";
import { validFilter } from "../../../../src/core/topics.js";

/** Few levels and few names, so that they meet: empty ones, `$`, one longer than V8 keeps in place. */
const level = fc.constantFrom("", "a", "b", "$x", "a-long-level-name");

export const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");

export const filter = fc
  .array(fc.oneof(level, fc.constantFrom("+", "+", "#")), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter(validFilter);

export const options: fc.Arbitrary<SubscriptionOptions> = fc.record(
  {
    qos: fc.constantFrom(0, 1, 2),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    identifier: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: ["qos", "noLocal", "retainAsPublished"] },
);

export const PLAIN: SubscriptionOptions = { qos: 1, noLocal: false, retainAsPublished: false };

export class Listener implements Subscriber {
  readonly clientId: string | undefined;
  online = true;
  readonly forbidden = new Set<string>();
  readonly heard: { readonly publication: Publication; readonly grant: Grant }[] = [];

  constructor(clientId: string | undefined) {
    this.clientId = clientId;
  }

  mayReceive(topic: string): boolean {
    return !this.forbidden.has(topic);
  }

  deliver(publication: Publication, grant: Grant): void {
    this.heard.push({ publication, grant });
  }
}

export function publication(topic: string, clientId?: string): Publication {
  return { topic, payload: new Uint8Array(), qos: 1, retain: false, clientId };
}
