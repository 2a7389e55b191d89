/**
 * Whether the text is what the pattern says, where `*` stands for any text, or none. In time of the pattern's length times the text's at most: the text may come from a wire.
 */
export function fitsPattern(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      from = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
