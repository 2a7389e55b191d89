import { Document, isMap, isSeq, type Node } from "yaml";
import { plain } from "../../config/problems.js";
import type { Draft, DraftBridge, DraftRule } from "./draft.js";
import type { Place } from "./notes.js";

/** What differs although it was carried over. For whoever reads the file, not for each line again. */
const DIFFERENCES = `
 Check it with \`weir check\`. What is the same word and not quite the same thing:
 - qos of a rule is a cap, as in mosquitto. A topic line without a QoS means 0: messages may be lost on the way. Write 1
   where they must not be.
 - What waits for the upstream is on the disk (gateway.state), QoS 0 as well, 10000000 messages or 1GiB unless outbox says
   otherwise; mosquitto holds 1000 in memory. At the bound the oldest is lost, in mosquitto the newest.
 - Rules are tried in their order, and the first that fits a message decides.
 - direction both: a message does not go back to the side it came from. Rules that send out what they take back in are
   refused.
 - clean: false is the default on both sides. A session that mosquitto left at the upstream under the same clientId is begun
   anew: let mosquitto send what it still holds, and fetch what waits for it, before Weir takes its place.
 - There is no $SYS/broker/connection/<id>/state. The gateway's status is weir/$gateway/<id>/status, online or offline.
`;

/** The draft as commented YAML that begins a weir.yaml. */
export function render(source: string, draft: Draft): string {
  const document = new Document(tree(draft));
  document.commentBefore = ` Made from ${plain(source)} by \`weir import\`.${DIFFERENCES.replace(/\n$/, "")}`;
  comments(document, draft);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function tree({ listeners, bridges }: Draft): object {
  return {
    ...(listeners.length === 0 ? {} : { broker: { listeners: listeners.map(({ url }) => url) } }),
    bridges: bridges.map((bridge) => escaped({ ...bridge.keys, rules: bridge.rules.map(ruleTree) })),
  };
}

function ruleTree({ filter, direction, qos, localPrefix, remotePrefix, retain }: DraftRule): object {
  return {
    filter,
    direction,
    qos,
    ...(localPrefix === "" ? {} : { localPrefix }),
    ...(remotePrefix === "" ? {} : { remotePrefix }),
    ...(retain === undefined ? {} : { retain }),
  };
}

/** In a configuration `${` begins a reference; in mosquitto.conf it is text. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, escaped(one)]));
}

function comments(document: Document, draft: Draft): void {
  if (draft.listeners.length === 0)
    document.comment = " broker: left out, so clients of this machine connect to tcp://127.0.0.1:1883";
  for (const [index, { place }] of draft.listeners.entries())
    behind(document.getIn(["broker", "listeners", index], true), place);
  for (const [index, bridge] of draft.bridges.entries()) bridgeComments(document, index, bridge);
}

function bridgeComments(document: Document, index: number, bridge: DraftBridge): void {
  const node = document.getIn(["bridges", index], true) as Node | undefined;
  if (node !== undefined) node.commentBefore = ` ${plain(`${bridge.place.file}:${bridge.place.line}`)}`;
  for (const key of ["url", "tls", "backoff", "outbox"]) flow(document.getIn(["bridges", index, key], true));
  const password = document.getIn(["bridges", index, "password"], true) as Node | undefined;
  if (password !== undefined) password.comment = " better in a file of its own: passwordFile";
  for (const [r, rule] of bridge.rules.entries()) {
    const ruleNode = document.getIn(["bridges", index, "rules", r], true);
    flow(ruleNode);
    behind(ruleNode, rule.place);
  }
}

function flow(node: unknown): void {
  if (isMap(node) || isSeq(node)) node.flow = true;
}

function behind(node: unknown, { file, line }: Place): void {
  (node as Node).comment = ` ${plain(`${file}:${line}`)}`;
}
