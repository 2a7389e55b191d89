/** Names longer than this are not compared: the work grows with the square of the length. */
const LONGEST = 64;

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other: Damerau, 1964. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      next.push(cost);
    }
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}

/** The known names that somebody who wrote `wrong` may have meant, nearest first, three at most. */
export function nearest(wrong: string, known: Iterable<string>): string[] {
  const word = wrong.slice(0, LONGEST).toLowerCase();
  const bound = Math.max(1, Math.floor(word.length / 3));
  return [...known]
    .map((name) => ({ name, edits: distance(word, name.slice(0, LONGEST).toLowerCase()) }))
    .filter(({ edits }) => edits <= bound)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `; did you mean a or b?`, or nothing. */
export function didYouMean(wrong: string, known: Iterable<string>): string {
  const names = nearest(wrong, known);
  return names.length === 0 ? "" : `; did you mean ${names.join(" or ")}?`;
}
