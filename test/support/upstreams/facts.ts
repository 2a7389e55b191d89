/** Questions to an upstream that its documentation does not answer, asked on the wire. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { IPublishPacket } from "mqtt-packet";
import { collect, connectClient } from "../mqtt.js";
import type { UpstreamNode } from "./cluster.js";
import { type Answer, dial, type Wire } from "./wire.js";

/** A cluster that elects a leader delivers late, in ms. */
const DELIVERED_WITHIN = 20_000;

let last = 0;

/** A name that no other question has used: for client ids and topics. */
export function fresh(kind: string): string {
  return `${kind}${++last}`;
}

export function publish(
  topic: string,
  payload: string,
  qos: 0 | 1 | 2,
  more: Partial<IPublishPacket> = {},
): IPublishPacket {
  return { cmd: "publish", topic, payload, qos, dup: false, retain: false, messageId: 7, ...more };
}

/** `pubrec 7`, with the reason code of MQTT 5 where it is not success. */
export function text(answer: Answer): string {
  if (typeof answer === "string") return answer;
  const reason = "reasonCode" in answer && answer.reasonCode ? ` reason ${answer.reasonCode}` : "";
  return `${answer.cmd}${answer.messageId === undefined ? "" : ` ${answer.messageId}`}${reason}`;
}

type Version = 3 | 4 | 5;

export async function connack(t: TestContext, { url }: UpstreamNode, version: Version): Promise<string> {
  const wire = await dial(t, url, { clientId: fresh("version"), clean: true, version });
  return wire.connack === undefined ? "closed" : `${wire.connack.returnCode ?? wire.connack.reasonCode}`;
}

/** What answers a PUBLISH with QoS 2, and the PUBREL where there is a PUBREC. */
export async function qos2(t: TestContext, { url }: UpstreamNode, version: Version = 4): Promise<string[]> {
  const wire = await dial(t, url, { clientId: fresh("qos2"), clean: true, version });
  wire.send(publish(fresh("t"), "x", 2));
  const first = text(await wire.next());
  if (!first.startsWith("pubrec")) return [first];
  wire.send({ cmd: "pubrel", messageId: 7 });
  return [first, text(await wire.next())];
}

/** What answers a PUBREL whose packet identifier is not in use, and a PINGREQ after it. */
export async function strayPubrel(t: TestContext, { url }: UpstreamNode, version: Version = 4): Promise<string[]> {
  const wire = await dial(t, url, { clientId: fresh("pubrel"), clean: true, version });
  wire.send({ cmd: "pubrel", messageId: 999 });
  const first = text(await wire.next());
  wire.send({ cmd: "pingreq" });
  return [first, text(await wire.next())];
}

/** What answers a message with this topic, and under which topic a subscriber to `odd/#` gets it. */
export async function topicOf(t: TestContext, { url }: UpstreamNode, topic: string): Promise<string[]> {
  const subscriber = await connectClient(t, url);
  await subscriber.subscribeAsync("odd/#", { qos: 1 });
  const { until } = collect(subscriber);
  const wire = await dial(t, url, { clientId: fresh("topic"), clean: true });
  const payload = fresh("payload");
  wire.send(publish(topic, payload, 1));
  const answer = text(await wire.next());
  if (answer === "closed") return [answer];
  const heard = await until((all) => all.some((m) => m.payload === payload));
  return [answer, heard.find((m) => m.payload === payload)?.topic ?? ""];
}

/** Whether a subscriber at `to` gets what was retained at `from`. */
export async function retains(t: TestContext, from: UpstreamNode, to: UpstreamNode): Promise<boolean> {
  const topic = fresh("retained");
  const publisher = await connectClient(t, from.url);
  await publisher.publishAsync(topic, "kept", { qos: 1, retain: true });
  const subscriber = await connectClient(t, to.url);
  const { until } = collect(subscriber);
  await subscriber.subscribeAsync(topic, { qos: 1 });
  // What is retained comes first (MQTT-3.3.1-6).
  await publisher.publishAsync(topic, "now", { qos: 1 });
  const heard = await until((all) => all.some((m) => m.payload === "now"), DELIVERED_WITHIN);
  return heard.some((m) => m.payload === "kept");
}

/** Where the session was left, where it is taken up, who watches, and what happens meanwhile. */
export interface Move {
  readonly from: UpstreamNode;
  readonly to: UpstreamNode;
  readonly meanwhile?: () => Promise<void>;
  readonly version?: Version;
}

/** A session (clean=0) with a subscription, left and taken up again: what is in it of `queued`, sent meanwhile, and `later`. */
export async function session(
  t: TestContext,
  move: Move,
  other: UpstreamNode,
): Promise<{ present: boolean; arrived: string[] }> {
  const greeting = { clientId: fresh("session"), clean: false, version: move.version ?? 4 };
  const topic = `${greeting.clientId}/t`;
  const before = await dial(t, move.from.url, greeting);
  before.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] });
  assert.equal(text(await before.next(DELIVERED_WITHIN)), "suback 1");
  await before.cut();
  await publishOnce(t, other, topic, "queued");
  await move.meanwhile?.();
  const after = await dial(t, move.to.url, greeting);
  await publishOnce(t, other, topic, "later");
  const arrived: string[] = [];
  const present = after.connack?.sessionPresent === true;
  while (present && arrived.at(-1) !== "later") {
    const packet = await after.next(DELIVERED_WITHIN);
    if (typeof packet === "string" || packet.cmd !== "publish") throw new Error(`not a message: ${text(packet)}`);
    arrived.push(`${packet.payload}`);
    if (packet.messageId !== undefined) after.send({ cmd: "puback", messageId: packet.messageId });
  }
  await after.cut();
  return { present, arrived: [...new Set(arrived)] };
}

/**
 * Exactly once, interrupted: PUBLISH id 7 is answered by PUBREC and the connection lost; the client comes back with its
 * session, sends the same with DUP and releases it. How often `watch` gets it is the last of the answers.
 */
export async function interruptedQos2(
  t: TestContext,
  move: Move,
  watch: UpstreamNode,
): Promise<{ present: boolean; answers: string[]; delivered: number }> {
  const greeting = { clientId: fresh("sender"), clean: false, version: move.version ?? 4 };
  const topic = `${greeting.clientId}/t`;
  const subscriber = await connectClient(t, watch.url);
  // At QoS 1: with QoS 2 the marker at the end would be heard before what has yet to be released.
  await subscriber.subscribeAsync(topic, { qos: 1 });
  const { until } = collect(subscriber);
  const before = await dial(t, move.from.url, greeting);
  before.send(publish(topic, "once", 2));
  const answers = [text(await before.next())];
  await before.cut();
  await move.meanwhile?.();
  const after = await dial(t, move.to.url, greeting);
  after.send(publish(topic, "once", 2, { dup: true }));
  answers.push(text(await after.next(DELIVERED_WITHIN)));
  if (answers[1]?.startsWith("pubrec")) {
    after.send({ cmd: "pubrel", messageId: 7 });
    answers.push(text(await after.next(DELIVERED_WITHIN)));
  }
  after.send(publish(topic, "end", 1, { messageId: 8 }));
  const heard = await until((all) => all.some((m) => m.payload === "end"), DELIVERED_WITHIN);
  await after.cut();
  return {
    present: after.connack?.sessionPresent === true,
    answers,
    delivered: heard.filter((m) => m.payload === "once").length,
  };
}

/** Two clients with one client id: what the first and the second of them see next. */
export async function sameClientId(
  t: TestContext,
  first: UpstreamNode,
  second: UpstreamNode,
  version: Version = 4,
): Promise<string[]> {
  const greeting = { clientId: fresh("twin"), clean: true, version };
  const [older, newer] = [await dial(t, first.url, greeting), await dial(t, second.url, greeting)];
  const seen = [await commands(older), await commands(newer)];
  await Promise.all([older.cut(), newer.cut()]);
  return seen;
}

async function commands(wire: Wire): Promise<string> {
  return (await wire.rest()).map(text).join(", ") || "silence";
}

async function publishOnce(t: TestContext, node: UpstreamNode, topic: string, payload: string): Promise<void> {
  const publisher = await connectClient(t, node.url, { connectTimeout: DELIVERED_WITHIN });
  await publisher.publishAsync(topic, payload, { qos: 1 });
  await publisher.endAsync(true);
}
