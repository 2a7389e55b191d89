import { RE2JS } from "re2js";
import type { Window } from "./window.js";

/**
 * Finds where a pattern first matches in a stream, as if the stream were looked at after each byte: the match that ends
 * first, not the longest one. So `H=[0-9]+` ends with its first digit, however the bytes were split into chunks, and
 * `!([0-9A-F]{4})?\r\n` with its line feed.
 */
export interface Earliest {
  /**
   * The smallest offset in (`searched`, `to`] at which a match ends that begins at `from` or later and at most
   * `lookback` bytes before; undefined if there is none. The caller has searched up to `searched` before.
   */
  end(window: Window, from: number, searched: number, to: number): number | undefined;
  /** Where the longest match begins that ends there. */
  begin(window: Window, from: number, end: number): number;
}

/** Bounds what is copied and searched for one frame, however large the chunk it came in. */
const BLOCK = 256;

/**
 * `pattern` in RE2 syntax over bytes as U+0000 to U+00FF; a dot matches line ends too.
 * Throws a RangeError for a pattern that cannot be searched for in this way.
 */
export function earliest(pattern: string, lookback: number): Earliest {
  const expression = compile(pattern);

  /** The length of the shortest beginning of `text`, longer than `least`, that holds a match. */
  function shortest(text: string, least: number): number | undefined {
    if (!expression.test(text)) return undefined;
    const matcher = expression.matcher(text);
    if (!matcher.find()) return undefined;
    // Without assertions, text that holds a match still does when more follows: the lengths can be bisected.
    let high = Math.max(matcher.end(), least + 1);
    let low = least;
    // A match that is closed by a delimiter, as most are, ends nowhere earlier: try that first.
    let middle = high - 1;
    while (low < middle) {
      if (expression.test(text.slice(0, middle))) high = middle;
      else low = middle;
      middle = low + ((high - low) >> 1);
    }
    return high;
  }

  return {
    end(window, from, searched, to) {
      let done = Math.max(from, searched);
      while (done < to) {
        const stop = Math.min(to, done + BLOCK);
        const low = Math.max(from, done + 1 - lookback);
        const length = shortest(window.text(low, stop), done - low);
        if (length === undefined) {
          done = stop;
          continue;
        }
        const end = low + length;
        // The block may have shown a match that began further back than a search at its end would have looked.
        if (length <= lookback || expression.test(window.text(end - lookback, end))) return end;
        done = end;
      }
      return undefined;
    },
    begin(window, from, end) {
      const low = Math.max(from, end - lookback);
      const matcher = expression.matcher(window.text(low, end));
      return matcher.find() ? low + matcher.start() : low;
    },
  };
}

function compile(pattern: string): RE2JS {
  const assertion = assertionIn(pattern);
  if (assertion !== undefined) {
    throw new RangeError(
      `the pattern ${pattern} has the assertion ${assertion}, but a stream has no line or text boundaries: write the bytes that stand there, as \\r\\n`,
    );
  }
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RangeError(`the pattern ${pattern} is not RE2 syntax: ${reason}`, { cause });
  }
  if (expression.test("")) throw new RangeError(`the pattern ${pattern} matches nothing at all: it must take a byte`);
  return expression;
}

/**
 * The first assertion of a pattern: `^ $ \A \z \b \B`. They look at what is beside a match, which is not there yet
 * or not there any more, so that their truth would depend on how the stream was split.
 */
function assertionIn(pattern: string): string | undefined {
  // Quoted text, an assertion, any other escape, or a character class, in which a "]" that comes first is a member.
  const tokens = /\\Q.*?(?:\\E|$)|(\\[AzbB]|[$^])|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/gs;
  for (const [, assertion] of pattern.matchAll(tokens)) {
    if (assertion !== undefined) return assertion;
  }
  return undefined;
}
