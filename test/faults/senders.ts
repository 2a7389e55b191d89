import { setTimeout as sleep } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import { type Book, payloadOf, type Qos, topicOf } from "./compare.js";

export interface Sender {
  readonly book: Book;
  /**
   * Sends nothing more of its own, then one last message until it is acknowledged; resolves to its payload. At QoS 0 there
   * is none.
   */
  finish(): Promise<string | undefined>;
  close(): void;
}

export interface SenderOptions {
  readonly port: number;
  readonly name: string;
  readonly qos: Qos;
  /** Messages a second. */
  readonly rate: number;
}

/** How many may wait for their acknowledgement: a kill of the gateway leaves as many in doubt. */
const WINDOW = 16;
const TICK = 10;

/**
 * A client of the gateway that publishes for as long as it is there, and connects again when it is gone. A message whose
 * exchange was cut is never sent again: nobody knows whether it was taken, so a second copy could not be told from a duplicate
 * of the gateway's making.
 */
export function openSender({ port, name, qos, rate }: SenderOptions): Sender {
  const acknowledged = new Set<number>();
  let sent = 0;
  let finishing = false;
  let closed = false;
  let current: MqttClient | undefined;
  let last = (_payload: string): void => {};

  const publish = (client: MqttClient, done: () => void, taken = (_payload: string): void => {}): void => {
    const n = sent++;
    const payload = payloadOf(name, qos, n);
    client.publish(topicOf(name), payload, { qos }, (error) => {
      done();
      if (error || qos === 0) return;
      acknowledged.add(n);
      taken(payload);
    });
  };

  const whileConnected = async (client: MqttClient): Promise<void> => {
    let inFlight = 0;
    let credit = 0;
    const done = (): void => {
      inFlight -= 1;
    };
    let lastTried = false;
    while (client.connected && !closed) {
      credit = finishing ? 0 : Math.min(WINDOW, credit + (rate * TICK) / 1000);
      for (; credit >= 1 && inFlight < WINDOW; credit--) {
        inFlight += 1;
        publish(client, done);
      }
      // In every connection anew, for as long as none was acknowledged.
      if (finishing && !lastTried && qos > 0) {
        lastTried = true;
        publish(client, done, last);
      }
      await sleep(TICK);
    }
  };

  const run = async (): Promise<void> => {
    while (!closed) {
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
        clientId: name,
        reconnectPeriod: 0,
        connectTimeout: 2000,
      });
      current = client;
      client.on("error", () => {}); // its "close" follows
      await new Promise<void>((resolve) => {
        client.once("connect", () => resolve());
        client.once("close", () => resolve());
      });
      await whileConnected(client);
      client.end(true);
      await sleep(TICK);
    }
  };
  const running = run();

  return {
    get book() {
      return { sender: name, qos, sent, acknowledged };
    },
    finish: () =>
      new Promise((resolve, reject) => {
        if (qos === 0) resolve(undefined);
        last = resolve;
        finishing = true;
        running.catch(reject);
      }),
    close: () => {
      closed = true;
      current?.end(true);
    },
  };
}
