import type { MqttClient } from "mqtt";
import type { Qos } from "../../src/core/message.js";

/** How many wait for their acknowledgement at once: mosquitto 2.0.11 loses what is beyond 20 of QoS 2. */
const AT_A_TIME = { 0: 200, 1: 200, 2: 16 } as const;

/** Publishes the numbers from `from` up to, but not including, `to`; resolves once all are acknowledged. */
export async function publishNumbers(
  client: MqttClient,
  topic: string,
  qos: Qos,
  [from, to]: readonly [number, number],
): Promise<void> {
  for (let n = from; n < to; n += AT_A_TIME[qos]) {
    const some = Array.from({ length: Math.min(AT_A_TIME[qos], to - n) }, (_, i) => n + i);
    await Promise.all(some.map((each) => client.publishAsync(topic, `${each}`, { qos })));
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** The numbers of a topic in the order in which they came. */
export function numbersOf(messages: readonly { readonly topic: string; readonly payload: string }[], topic: string) {
  return messages.filter((each) => each.topic === topic).map(({ payload }) => Number(payload));
}

/** Of numbers that may have come again: each once, where it came first. */
export function firsts(numbers: readonly number[]): number[] {
  return [...new Set(numbers)];
}
