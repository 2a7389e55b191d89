import type { Code, Option } from "../message.js";
import { OPTION, uintOption } from "../options.js";

/** The classes of answers that the client has no interest in, a bit each (RFC 7967 2.1): 2 for 2.xx, 8 for 4.xx, 16 for 5.xx. Undefined: it does not say. */
export function noResponse(options: readonly Option[]): number | undefined {
  return uintOption(options, OPTION.noResponse);
}

/** An answer that the client does not want. 2.31 is no answer yet: without it the next block would not come. */
export function isUnwanted(code: Code, mask: number | undefined): boolean {
  if (mask === undefined || code === "2.31") return false;
  return (mask & (1 << (Number(code.slice(0, 1)) - 1))) !== 0;
}
