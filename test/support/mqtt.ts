import { EventEmitter, once } from "node:events";
import type { TestContext } from "node:test";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** A client that is closed when the test ends. `url` as a broker names its listener: tcp://, ws:// or mqtt://. */
export async function connectClient(
  t: TestContext,
  url: string | undefined,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const target = (url ?? "").replace(/^tcp:/, "mqtt:");
  const client = await mqtt.connectAsync(target, { reconnectPeriod: 0, connectTimeout: 5000, ...options });
  t.after(() => client.endAsync(true));
  return client;
}

/** mqtt's typed emitter does not fit `once`. */
export function next(client: MqttClient, event: string): Promise<unknown[]> {
  return once(client as unknown as EventEmitter, event);
}

export async function nextMessage(client: MqttClient): Promise<Heard> {
  const [topic, payload, packet] = (await next(client, "message")) as [
    string,
    Buffer,
    { qos: number; retain: boolean },
  ];
  return { topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain };
}

/** Everything the client hears from now on, and a way to wait until there is enough of it. */
export function collect(client: MqttClient): {
  heard: Heard[];
  until(enough: (heard: Heard[]) => boolean, patience?: number): Promise<Heard[]>;
} {
  const heard: Heard[] = [];
  const changed = new EventEmitter();
  client.on("message", (topic, payload, { qos, retain }) => {
    heard.push({ topic, payload: payload.toString(), qos, retain });
    changed.emit("change");
  });
  const until = async (enough: (heard: Heard[]) => boolean, patience = 20_000): Promise<Heard[]> => {
    const signal = AbortSignal.timeout(patience);
    try {
      while (!enough(heard)) await once(changed, "change", { signal });
    } catch (error) {
      const got = heard.map((m) => `  ${m.topic} ${m.payload}`).join("\n");
      throw new Error(`waited ${patience} ms for messages, heard only:\n${got}`, { cause: error });
    }
    return heard;
  };
  return { heard, until };
}
