import { type CoapRequest, OPTION } from "../../../src/protocols/coap/index.js";

/** The block of an answer that is asked for (RFC 7959 2.2). */
export interface AskedBlock {
  /** Of its first byte. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

export function askedBlock({ options }: Pick<CoapRequest, "options">): AskedBlock | undefined {
  const option = options.find(({ number }) => number === OPTION.block2);
  if (option === undefined) return undefined;
  let value = 0;
  for (const byte of option.value) value = value * 256 + byte;
  const size = 2 ** ((value & 7) + 4);
  return { start: (value >> 4) * size, size };
}
