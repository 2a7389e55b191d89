import { z } from "zod";
import { parseDuration } from "../../../src/core/duration.js";
import type { Qos } from "../../../src/core/message.js";

/** How clients publish and subscribe through CoAP. */
export interface PubSubSettings {
  /** Whether a client must have a connection. */
  readonly connectionRequired: boolean;
  /** ms. A connection of which nothing is heard for one and a half times as long ends. */
  readonly heartbeat: number;
  /** Where a request says nothing; `coap`: 1 if it is confirmable, else 0. */
  readonly publishQos: Qos | "coap";
  readonly subscribeQos: Qos | "coap";
  /** Which notifications are confirmable; `qos`: those of QoS 1 and 2. */
  readonly notify: "qos" | "con" | "non";
  /** Bytes. Undefined: that of the adapter. */
  readonly maxPayload: number | undefined;
}

const DURATION = "must be a duration with a unit, such as 30s or 5m";
const LEAST_HEARTBEAT = 1_000;
const MOST_HEARTBEAT = 86_400_000;

const heartbeat = z.string({ error: DURATION }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= LEAST_HEARTBEAT && ms <= MOST_HEARTBEAT) return ms;
  context.addIssue(ms === undefined ? DURATION : "must be between 1s and 1d");
  return z.NEVER;
});

const qos = z.union([z.literal("coap"), z.literal(0), z.literal(1), z.literal(2)], {
  error: "must be coap, 0, 1 or 2",
});

const fields = z.strictObject({
  connectionRequired: z
    .boolean()
    .default(false)
    .describe("Whether clients must connect first (POST /mqtt/connection) and give the token with each request."),
  heartbeat: heartbeat
    .prefault("30s")
    .describe("How often a connected client lets hear of itself. After one and a half times as long it is gone."),
  publishQos: qos
    .default("coap")
    .describe("QoS of what is published without one. coap: 1 for confirmable requests, 0 for others."),
  subscribeQos: qos.default("coap").describe("The same for subscriptions."),
  notify: z
    .enum(["qos", "con", "non"])
    .default("qos")
    .describe(
      "Which messages are to be acknowledged by their receivers. qos: those of QoS 1 and 2; con: all; non: none.",
    ),
  maxPayload: z
    .int()
    .min(1)
    .max(1_048_576)
    .optional()
    .describe("The largest message that is published, in bytes. Left out: adapters.coap.maxPayload."),
});

/** Undefined where it is off. */
export const pubsubSettings: z.ZodType<PubSubSettings | undefined> = z
  .union([z.boolean(), fields], { error: "must be true or false, or a section" })
  .default(false)
  .transform((given): PubSubSettings | undefined => {
    if (given === false) return undefined;
    const { maxPayload, ...rest } = given === true ? fields.parse({}) : given;
    return { ...rest, maxPayload };
  })
  .describe(
    "Clients publish and subscribe through CoAP as through MQTT, as with EMQX: paths /ps/... and /mqtt/connection.",
  );
