/** What `needs()` of test/support/peers.ts says of missing programs: their Debian packages. */
const NEEDS = /^needs ([^:]+): npm run setup:peers/;

/**
 * @param {readonly string[]} reasons why each skipped test was skipped
 * @returns {string[]} lines for the end of a run; none when nothing was skipped
 */
export function skipNotes(reasons) {
  const notes = [];
  const packages = reasons.flatMap((reason) => NEEDS.exec(reason)?.[1] ?? []);
  if (packages.length > 0) {
    const names = [...new Set(packages.flatMap((list) => list.split(", ")))].sort();
    notes.push(`skipped ${packages.length}, not installed: ${names.join(" ")} (npm run setup:peers installs them)`);
  }
  /** @type {Map<string, number>} */
  const others = new Map();
  for (const reason of reasons.filter((each) => !NEEDS.test(each))) others.set(reason, (others.get(reason) ?? 0) + 1);
  for (const [reason, count] of others) notes.push(`skipped ${count}: ${reason === "" ? "no reason given" : reason}`);
  return notes;
}
