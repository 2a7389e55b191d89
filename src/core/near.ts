/** Names longer than this are no slips of the hand, and cost time squared. */
const MAX_LENGTH = 80;

/** How many letters to add, drop, change or swap to get from one to the other (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + change,
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Up to three of the names that were likely meant, nearest first. */
export function nearNames(meant: string, names: Iterable<string>): string[] {
  if (meant.length > MAX_LENGTH) return [];
  const wanted = meant.toLowerCase();
  const allowed = Math.max(1, Math.floor(meant.length / 3));
  const found: { name: string; far: number }[] = [];
  for (const name of names) {
    if (name.length > MAX_LENGTH || Math.abs(name.length - meant.length) > allowed) continue;
    const far = distance(wanted, name.toLowerCase());
    if (far <= allowed) found.push({ name, far });
  }
  found.sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1));
  return found.slice(0, 3).map(({ name }) => name);
}

/** `a`, `a or b`, `a, b or c` */
export function listOr(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** `; did you mean qos?`, or nothing. */
export function didYouMean(meant: string, names: Iterable<string>): string {
  const near = nearNames(meant, names);
  return near.length > 0 ? `; did you mean ${listOr(near)}?` : "";
}

/** The same, or the names there are if they are few. */
export function suggest(meant: string, names: readonly string[], few = 12): string {
  const near = didYouMean(meant, names);
  if (near !== "" || names.length === 0 || names.length > few) return near;
  return `; there are ${listOr([...names].sort()).replace(/ or /, " and ")}`;
}
