import type { PythonRun } from "./python.js";

/** One of many checks in one test. */
export interface Part {
  readonly name: string;
  readonly why: string;
}

export interface Verdict {
  readonly verdict: "pass" | "fail" | "left out";
  /** Of a failure what the suite said last, of one left out the reason. */
  readonly why?: string;
  /** Where a test counts its parts. */
  readonly parts?: { readonly total: number; readonly failed: readonly Part[] };
}

export interface Outcome extends Verdict {
  readonly suite: string;
  readonly test: string;
  readonly seconds: number;
}

const LONGEST = 300;

const TRACEBACK = /^Traceback .*\n((?: .*\n)+)(\S.*)$/gm;

/** A line of the suite's own script; what lies deeper is its client or unittest. */
const OWN_LINE = /^ {2}File "[^"]*client_test5?\.py".*\n {4}(\S.*)$/gm;

/** Of a unittest: the first exception is the cause, what follows only reports it. */
export function eclipseVerdict({ code, said }: PythonRun): Verdict {
  if (code === 0) return { verdict: "pass" };
  if (code === null) return { verdict: "fail", why: "took too long" };
  // Threads of the suite's client die with the sockets they read: not the test's own words.
  const own = said.replace(/^Exception in thread .*\n(?:(?:Traceback| ).*\n)*(?:\S.*\n)?/gm, "");
  const [cause] = [...own.matchAll(TRACEBACK)].map(([, frames = "", exception = ""]) => {
    const at = [...frames.matchAll(OWN_LINE)].at(-1)?.[1];
    return { exception, at };
  });
  if (cause === undefined) return { verdict: "fail", why: short(lastLine(said)) };
  const { exception, at } = cause;
  return { verdict: "fail", why: short(at === undefined ? exception : `${exception} in: ${at}`) };
}

/** Of a script of mosquitto's: its exit code counts. */
export function mosquittoVerdict({ code, said }: PythonRun): Verdict {
  const parts = partsOf(said);
  const counted = parts === undefined ? {} : { parts };
  if (code === 0) return { verdict: "pass", ...counted };
  if (code === null) return { verdict: "fail", why: "took too long", ...counted };
  if (parts !== undefined && parts.failed.length > 0)
    return { verdict: "fail", why: `${parts.failed.length} of ${parts.total} parts fail`, ...counted };
  const words = [
    /^FAIL: .*$/m,
    /^Received(?::| \().*$/m,
    /^Expected(?::| \().*$/m,
    /^(?:\w+\.)*\w*(?:Error|Exception|timeout)\b.*$/m,
    /^(?:proto_ver|per_listener|clean_).*$/m,
  ].flatMap((pattern) => pattern.exec(said)?.[0] ?? []);
  return { verdict: "fail", why: short(words.length > 0 ? words.join("; ") : lastLine(said)) };
}

/** msg_sequence_test.py colours each of its sequences, and sums up. */
function partsOf(said: string): Verdict["parts"] {
  const total = /^(\d+) tests total$/m.exec(said)?.[1];
  const failed = [...said.matchAll(/^\x1b\[31m(.*?) failed: ?(.*)\x1b\[0m$/gm)].map(([, name = "", why = ""]) => ({
    name: name.replace(/\s+/g, " "),
    why: short(why),
  }));
  return total === undefined ? undefined : { total: Number(total), failed };
}

function lastLine(said: string): string {
  return said.trimEnd().split("\n").at(-1) || "said nothing";
}

function short(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}...`;
}
