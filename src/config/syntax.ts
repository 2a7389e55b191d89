import type { YAMLParseError } from "yaml";

/** What is wrong and what to do, for each kind of error of `yaml`. Its own messages quote the text, which may be a password. */
const WORDS: Readonly<Record<YAMLParseError["code"], string>> = {
  ALIAS_PROPS: "an alias (*) can have no anchor or tag of its own",
  BAD_ALIAS: "an alias (*) needs a name; put text that begins with * or & in quotes",
  BAD_COLLECTION_TYPE: "a tag (!) that does not fit what follows it",
  BAD_DIRECTIVE: "a line that begins with % is a directive, and this one is unknown; put the text in quotes",
  BAD_DQ_ESCAPE: "an unknown escape (\\) in text in double quotes; write \\\\ for a backslash, or use single quotes",
  BAD_INDENT: "wrong indentation: entries of one list or section begin in the same column",
  BAD_PROP_ORDER: "an anchor (&) or tag (!) stands in the wrong place",
  BAD_SCALAR_START: "text cannot begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a section or list cannot begin here: is a line break or a quote missing?",
  BLOCK_IN_FLOW: "an indented section or list cannot stand inside [ ] or { }",
  DUPLICATE_KEY: "this key is given twice",
  IMPOSSIBLE: "not understood as YAML",
  KEY_OVER_1024_CHARS: "a key is too long; is a line break missing?",
  MISSING_CHAR: "a comma, bracket, brace, colon, quote or space is missing here or just before",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line: is a colon or a quote missing?",
  MULTIPLE_ANCHORS: "a value can have one anchor (&) only",
  MULTIPLE_DOCS: "a second document begins here: a configuration is one document, without ---",
  MULTIPLE_TAGS: "a value can have one tag (!) only",
  NON_STRING_KEY: "a key must be plain text",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "a tab cannot indent; use spaces",
  TAG_RESOLVE_FAILED: "an unknown tag (!); put text that begins with ! in quotes",
  UNEXPECTED_TOKEN: "something that does not belong here; is it indented rightly, or is a quote missing?",
};

export function explainSyntax(code: YAMLParseError["code"]): string {
  return WORDS[code];
}
