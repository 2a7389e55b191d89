/** One element of DER (X.690): its tag, and its content as a view. */
export interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
}

const CONSTRUCTED_SEQUENCE = 0x30;
/** Extensions, names, attributes: what a certificate has of each is far below. */
const MAX_ELEMENTS = 256;

/** The elements that follow each other in `bytes`. Throws RangeError where they are not DER. */
export function elements(bytes: Uint8Array): readonly Der[] {
  const list: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (list.length === MAX_ELEMENTS) throw new RangeError("DER: too many elements");
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new RangeError("DER: a tag of several bytes");
    const first = bytes[at + 1];
    if (first === undefined) throw new RangeError("DER: an element without a length");
    at += 2;
    let length = first;
    if (first >= 0x80) {
      const size = first & 0x7f;
      if (size === 0 || size > 3 || at + size > bytes.length) throw new RangeError("DER: a bad length");
      length = 0;
      for (let index = 0; index < size; index++) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) throw new RangeError("DER: an element beyond the end");
    list.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return list;
}

/** The elements of the one SEQUENCE that `bytes` are. */
export function sequence(bytes: Uint8Array): readonly Der[] {
  const [only, ...others] = elements(bytes);
  if (only?.tag !== CONSTRUCTED_SEQUENCE || others.length > 0) throw new RangeError("DER: not one SEQUENCE");
  return elements(only.content);
}

/** The content of an OBJECT IDENTIFIER in lower-case hexadecimal: enough to compare it. */
export function oid(element: Der | undefined): string {
  if (element?.tag !== 0x06) throw new RangeError("DER: not an OBJECT IDENTIFIER");
  return Buffer.from(element.content).toString("hex");
}
