/** The file's text with that hash for the user; all other lines stay as they are. */
export function withUser(text: string, name: string, hash: string): string {
  const { before, after, end } = around(text, name);
  // A file whose last line has no end would otherwise glue both.
  const glue = before !== "" && !before.endsWith("\n") ? end : "";
  return `${before}${glue}${name}:${hash}${end}${after}`;
}

/** The text without the user; undefined if it is not there. */
export function withoutUser(text: string, name: string): string | undefined {
  const { before, after, found } = around(text, name);
  return found ? before + after : undefined;
}

/** What is before and behind the first line of the user, other lines of it left out; all of the text before, where there is none. */
function around(text: string, name: string) {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const isUser = (line: string): boolean =>
    !line.startsWith("#") && line.includes(":") && line.slice(0, line.indexOf(":")).trim() === name;
  const first = lines.findIndex(isUser);
  const end = /\r\n/.test(lines[0] ?? "") ? "\r\n" : "\n";
  if (first < 0) return { before: text, after: "", end, found: false };
  const rest = lines.slice(first + 1).filter((line) => !isUser(line));
  return { before: lines.slice(0, first).join(""), after: rest.join(""), end, found: true };
}
