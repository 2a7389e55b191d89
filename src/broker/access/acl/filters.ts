/**
 * Filters among themselves (MQTT 4.7): which of two takes all that the other takes, and what both take. `matches` of
 * core/topics.ts is the measure: the tests compare with it topic by topic.
 *
 * Two rules make it more than levels side by side: `a/#` takes `a` too, and a wildcard in front takes no topic that begins
 * with `$` (MQTT-4.7.2-1).
 */

/** Whether `wide` takes every topic that `narrow` takes. Both are valid filters. */
export function covers(wide: string, narrow: string): boolean {
  if (wildcardInFront(wide) && narrow[0] === "$") return false;
  const [outer, inner] = [wide.split("/"), exact(narrow).split("/")];
  for (const [index, level] of outer.entries()) {
    if (level === "#") return true;
    const other = inner[index];
    // What is deeper than any fixed number of levels fits into none.
    if (other === undefined || other === "#") return false;
    if (level !== "+" && level !== other) return false;
    if (inner.length === index + 1 && outer.length === index + 2 && outer[index + 1] === "#") return true;
  }
  return outer.length === inner.length;
}

/** The filter of the topics that both take; undefined where there are none. Both are valid filters. */
export function intersection(one: string, other: string): string | undefined {
  if ((wildcardInFront(one) && other[0] === "$") || (wildcardInFront(other) && one[0] === "$")) return undefined;
  const [a, b] = [one.split("/"), other.split("/")];
  const both: string[] = [];
  // `/#` takes the empty topic above it too, which is none.
  const joined = (rest: readonly string[]): string | undefined => [...both, ...rest].join("/") || undefined;
  for (let index = 0; ; index++) {
    const [left, right] = [a[index], b[index]];
    if (left === "#") return joined(b.slice(index));
    if (right === "#") return joined(a.slice(index));
    if (left === undefined || right === undefined) return left === right ? joined([]) : undefined;
    if (left !== right && left !== "+" && right !== "+") return undefined;
    both.push(left === "+" ? right : left);
  }
}

/** `x/#` takes `x` too, unless that is no topic: there is none without a level, and no empty one. */
function exact(filter: string): string {
  return filter === "#" || filter === "/#" ? `${filter.slice(0, -1)}+/#` : filter;
}

function wildcardInFront(filter: string): boolean {
  return filter[0] === "+" || filter[0] === "#";
}
