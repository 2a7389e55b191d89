/**
 * A position in a frame: a count of bytes from its beginning, or from its end if negative; its end; or beside some bytes.
 * Where those bytes occur more than once, the first occurrence counts for where a span begins, the last one otherwise.
 */
export type Place = number | "end" | { readonly before: Uint8Array } | { readonly after: Uint8Array };

/** The offset of a place in `frame`, 0 to its length; undefined where the frame has no such place. */
export function locate(frame: Uint8Array, place: Place, which: "first" | "last"): number | undefined {
  if (place === "end") return frame.length;
  if (typeof place === "number") {
    const offset = place < 0 ? frame.length + place : place;
    return offset >= 0 && offset <= frame.length ? offset : undefined;
  }
  const word = "before" in place ? place.before : place.after;
  const offset = find(frame, word, which);
  if (offset === undefined) return undefined;
  return "before" in place ? offset : offset + word.length;
}

function find(frame: Uint8Array, word: Uint8Array, which: "first" | "last"): number | undefined {
  const last = frame.length - word.length;
  for (let step = 0; step <= last; step += 1) {
    const offset = which === "first" ? step : last - step;
    if (word.every((byte, index) => frame[offset + index] === byte)) return offset;
  }
  return undefined;
}
