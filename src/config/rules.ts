import { localFilter, remoteFilter } from "../core/topics.js";
import type { BridgeRule } from "./bridge-schema.js";
import type { BridgeConfig } from "./config.js";
import type { Finding } from "./wording.js";

/** Whether one topic could match both filters (MQTT 4.7). */
export function overlap(a: string, b: string): boolean {
  return meet(a.split("/"), b.split("/"), (left, right) => left === right || left === "+" || right === "+", true);
}

/** Whether every topic of `narrow` matches `wide` too. */
export function covers(wide: string, narrow: string): boolean {
  return meet(
    // At the front both take whatever has a level: the only two spellings of one filter.
    (wide === "+/#" ? "#" : wide).split("/"),
    narrow.split("/"),
    (left, right) => left === right || (left === "+" && right !== "#"),
    false,
  );
}

function meet(
  a: readonly string[],
  b: readonly string[],
  level: (a: string, b: string) => boolean,
  symmetric: boolean,
): boolean {
  // A wildcard in front takes no topic of the broker's own (MQTT-4.7.2-1).
  const wild = (first: string | undefined): boolean => first === "+" || first === "#";
  if ((wild(a[0]) && b[0]?.startsWith("$")) || (symmetric && wild(b[0]) && a[0]?.startsWith("$"))) return false;
  for (let index = 0; ; index++) {
    const [left, right] = [a[index], b[index]];
    if (left === "#" || (symmetric && right === "#")) return true;
    // `sport/#` takes `sport` as well (4.7.1.2)
    if (left === undefined || right === undefined) {
      if (left === right) return true;
      const longer = left === undefined ? b : a;
      return (symmetric || longer === a) && longer[index] === "#";
    }
    if (!level(left, right)) return false;
  }
}

/** The server that two bridges may have in common: a loop needs no more than that. */
function server(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const usual: Readonly<Record<string, string>> = { "mqtt:": "1883", "mqtts:": "8883", "ws:": "80", "wss:": "443" };
  return `${hostname}:${port || usual[protocol]}`;
}

/**
 * Rules by which a message that went out comes back in. Within one bridge that is allowed where both rules map alike
 * and the `in` rule is the narrower one: the bridge does not send out what it also takes in (commands, by default).
 */
export function loopFindings(bridges: readonly BridgeConfig[]): Finding[] {
  const findings: Finding[] = [];
  const rules = bridges.flatMap((bridge, b) =>
    bridge.rules.map((rule, r) => ({
      bridge,
      rule,
      servers: bridge.servers.map(server),
      path: ["bridges", b, "rules", r] as const,
    })),
  );
  for (const out of rules.filter(({ rule }) => rule.direction !== "in")) {
    for (const back of rules.filter(({ rule }) => rule.direction !== "out")) {
      if (!out.servers.some((one) => back.servers.includes(one))) continue;
      if (!overlap(remoteFilter(out.rule), remoteFilter(back.rule))) continue;
      // What a rule for both directions sent out is known when it comes back.
      if (out.rule === back.rule) continue;
      if (out.bridge === back.bridge && narrower(back.rule, out.rule)) continue;
      const [, b, , r] = out.path;
      const message = `takes back in what bridges[${b}].rules[${r}] sends out: give one of them another remotePrefix or filter`;
      findings.push({ path: back.path, message });
    }
  }
  return findings;
}

function narrower(back: BridgeRule, out: BridgeRule): boolean {
  const inside = covers(remoteFilter(out), remoteFilter(back)) && covers(localFilter(out), localFilter(back));
  return inside && mapping(back) === mapping(out) && !covers(remoteFilter(back), remoteFilter(out));
}

/** What a rule does to a topic: its prefixes without the levels at their end that are the same on both sides. */
function mapping(rule: BridgeRule): string {
  const local = rule.localPrefix.split("/");
  const remote = rule.remotePrefix.split("/");
  while (local.length > 0 && remote.length > 0 && local.at(-1) === remote.at(-1)) {
    local.pop();
    remote.pop();
  }
  return `${local.join("/")} ${remote.join("/")}`;
}
