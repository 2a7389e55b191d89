import type { Qos } from "../../core/message.js";
import { Connection, type ConnectionOptions } from "../connection/connection.js";
import { probeOf } from "./trial.js";

/**
 * What an MQTT 3.1.1 server does with a PUBLISH of QoS 2, which it has no words for: some take it (PUBREC), RabbitMQ takes it as
 * QoS 1 (PUBACK), NATS closes the connection. Found out on a connection of its own, with an empty message that is not
 * retained, so that no message of a device is at stake. Undefined where it cannot be told.
 */
export async function probeQos(
  options: ConnectionOptions,
  topic: string,
  signal: AbortSignal,
): Promise<Qos | undefined> {
  for (let round = 0; round < ROUNDS; round++) {
    const exactlyOnce = await answerTo(2, options, topic, signal);
    if (exactlyOnce === "pubrec") return 2;
    if (exactlyOnce === "puback") return 1;
    if (exactlyOnce !== "closed") return undefined;
    // It may be the topic, or an access rule, that made it close: then QoS 1 fares no better, and nothing is known.
    if ((await answerTo(1, options, topic, signal)) !== "puback") return undefined;
  }
  return 1;
}

/** A link that is cut looks the same as a server that closes. Not that often in a row, and never at QoS 1. */
const ROUNDS = 3;

type Answer = "puback" | "pubrec" | "closed" | "silent";

async function answerTo(qos: 1 | 2, options: ConnectionOptions, topic: string, signal: AbortSignal): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => {};
  const connection = await Connection.open(probeOf(options), signal);
  try {
    const answer = await new Promise<Answer>((resolve) => {
      abort = () => resolve("silent");
      timer = setTimeout(abort, options.timeout);
      signal.addEventListener("abort", abort);
      connection.begin({
        packet: ({ kind }) => {
          if (kind === "puback" || kind === "pubrec") resolve(kind);
        },
        drained: () => {},
        owed: () => undefined,
        closed: () => resolve("closed"),
      });
      const common = { topic, payload: new Uint8Array(), retain: false, dup: false };
      connection.send({ kind: "publish", ...common, qos, packetId: 1 });
    });
    // Not left halfway, though its session ends with it.
    if (answer === "pubrec") connection.send({ kind: "pubrel", packetId: 1, reasonCode: 0 });
    return answer;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    await connection.end();
  }
}
