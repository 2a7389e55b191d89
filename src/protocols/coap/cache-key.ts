import type { Code, Option } from "./message.js";
import { OPTION } from "./options.js";

/**
 * Options that may differ between the requests of one operation although RFC 7252 5.4.6 would count them: the blocks themselves (RFC
 * 7959 2.4), Observe (RFC 7641 2), what concerns a single message (No-Response, RFC 7967), and the Content-Format, which belongs to
 * the body and is looked at with it.
 */
const LEFT_OUT: ReadonlySet<number> = new Set([
  OPTION.observe,
  OPTION.contentFormat,
  OPTION.block1,
  OPTION.block2,
  OPTION.noResponse,
]);

/**
 * The method and the options by which requests of one endpoint belong to one operation on one resource: the Cache-Key (RFC 7252 5.6),
 * and with it the Request-Tag (RFC 9175 3.3). `options` are checked ones.
 */
export function cacheKey(method: Code, options: readonly Option[]): string {
  let key: string = method;
  for (const { number, value } of options) {
    if (isNoCacheKey(number) || LEFT_OUT.has(number)) continue;
    // With its length, so that no value can pass for two options.
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
    key += ` ${number}:${value.length}:${text}`;
  }
  return key;
}

/** RFC 7252 5.4.6: Size1, Size2 and Echo among others. */
function isNoCacheKey(number: number): boolean {
  return (number & 0x1e) === 0x1c;
}
