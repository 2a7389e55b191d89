/** What fills `%u` and `%c`. */
export interface Names {
  /** Undefined: anonymous. */
  readonly user: string | undefined;
  readonly clientId: string;
}

/**
 * `none`: the client has no such name, so that no topic is meant. `unsafe`: with that name the filter would be a wider one than
 * the rule's author wrote.
 */
export type Filled = { readonly filter: string } | "none" | "unsafe";

const PLACEHOLDER = /%[uc]/g;

export function hasPlaceholder(template: string): boolean {
  return /%[uc]/.test(template);
}

/** In one pass: what a name itself has of placeholders is text. */
export function fill(template: string, { user, clientId }: Names): Filled {
  let outcome: "none" | "unsafe" | undefined;
  const filter = template.replace(PLACEHOLDER, (placeholder) => {
    const name = placeholder === "%u" ? user : clientId;
    if (name === undefined) outcome = "none";
    else if (!tame(name)) outcome ??= "unsafe";
    return name ?? "";
  });
  if (outcome !== undefined) return outcome;
  // A rule about clients' topics must not become one about the broker's (MQTT 4.7.2).
  return filter[0] === "$" && template[0] !== "$" ? "unsafe" : { filter };
}

/** Part of one level: no wildcard, which would match others' topics, and no slash, which would reach other levels. */
function tame(name: string): boolean {
  return name !== "" && !/[+#/]/.test(name);
}
