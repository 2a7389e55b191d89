import type { Link } from "./links.js";

/**
 * The links that a query asks for (RFC 6690 4.1), all of them without one. `query` holds the Uri-Query options of the request:
 * `rt=light*` or `href=/air*`. A `*` at the end stands for any end; `obs` without a value asks whether the attribute is there.
 * Where there are several, a link must match each, as RFC 9176 6.1 has it.
 */
export function filterLinks(links: readonly Link[], query: readonly string[]): readonly Link[] {
  return query.reduce((left, one) => left.filter((link) => matches(link, one)), links);
}

function matches(link: Link, query: string): boolean {
  const equals = query.indexOf("=");
  const values = valuesOf(link, equals === -1 ? query : query.slice(0, equals));
  if (values === undefined) return false;
  if (equals === -1) return true;
  const pattern = query.slice(equals + 1);
  if (!pattern.endsWith("*")) return values.includes(pattern);
  const start = pattern.slice(0, -1);
  return values.some((value) => value.startsWith(start));
}

/** What a pattern is compared with: each word of a list, otherwise the whole value. Undefined: there is no such attribute. */
function valuesOf(link: Link, name: string): readonly string[] | undefined {
  switch (name) {
    case "href":
      return [link.target];
    case "rt":
    case "if":
      return link[name];
    case "ct":
      return link.ct?.map(String);
    case "sz":
      return link.sz === undefined ? undefined : [String(link.sz)];
    case "obs":
      return link.obs === true ? [""] : undefined;
    case "title":
      return link.title === undefined ? undefined : [link.title];
    default: {
      // Of `rel`, the first counts (RFC 5988 5.3), and the others are compared by all that is there.
      const found = link.others?.filter((other) => other.name === name).map(({ value = "" }) => value) ?? [];
      if (found.length === 0) return undefined;
      return name === "rel" || name === "rev" ? found[0]?.split(" ") : found;
    }
  }
}
