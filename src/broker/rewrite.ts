/** `old/+/temp/#` becomes `new/{1}/t/{#}`: `{1}` is the first `+`, `{#}` what `#` takes. */
export interface RewriteRule {
  readonly from: string;
  readonly to: string;
  readonly on: "publish" | "subscribe" | "both";
}

export type Rewrite = (topic: string) => string;

/** The first rule that fits rewrites a topic, once. A filter is rewritten as if it were a topic: its wildcards are levels. */
export function rewriteOf(rules: readonly RewriteRule[], on: "publish" | "subscribe"): Rewrite {
  const used = rules.filter((rule) => rule.on === on || rule.on === "both");
  if (used.length === 0) return (topic) => topic;
  const compiled = used.map(({ from, to }) => ({ from: from.split("/"), to }));
  return (topic) => {
    const levels = topic.split("/");
    for (const { from, to } of compiled) {
      const taken = take(from, levels);
      if (taken !== undefined) return fill(to, taken);
    }
    return topic;
  };
}

interface Taken {
  /** What each `+` stands for, in order. */
  readonly singles: readonly string[];
  readonly rest: string;
}

function take(from: readonly string[], levels: readonly string[]): Taken | undefined {
  const singles: string[] = [];
  for (const [index, level] of from.entries()) {
    if (level === "#") return { singles, rest: levels.slice(index).join("/") };
    const own = levels[index];
    if (own === undefined) return undefined;
    if (level === "+") singles.push(own);
    else if (level !== own) return undefined;
  }
  return levels.length === from.length ? { singles, rest: "" } : undefined;
}

function fill(to: string, { singles, rest }: Taken): string {
  return to.replace(/\{(#|\d{1,2})\}/g, (whole, name: string) =>
    name === "#" ? rest : (singles[Number(name) - 1] ?? whole),
  );
}
