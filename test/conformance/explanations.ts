/**
 * Why Weir fails what it fails: the test, or SUITE-TEST and part as `msg_sequence_test: PART`, each to a sentence. A star at
 * the end stands for any rest. A failure without an explanation fails the run.
 */
export const EXPLANATIONS: Readonly<Record<string, string>> = {};

/** The explanation of a test, or of a part of it. */
export function explain(
  explanations: Readonly<Record<string, string>>,
  test: string,
  part?: string,
): string | undefined {
  const name = part === undefined ? test : `${test}: ${part}`;
  const exact = Object.hasOwn(explanations, name) ? explanations[name] : undefined;
  if (exact !== undefined) return exact;
  const pattern = Object.keys(explanations).find((key) => key.endsWith("*") && name.startsWith(key.slice(0, -1)));
  return pattern === undefined ? undefined : explanations[pattern];
}
