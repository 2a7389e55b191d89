import { z } from "zod";
import { templateProblem, validFilter } from "../core/topics.js";
import { duration, qos, size, text, unless, whole } from "./scalars.js";

/** What the broker can be told of sessions and messages: the part of the one definition (schema.ts) that is under `broker`. */

const MAX_RULES = 256;
const DAY = 24 * 3_600_000;
/** MQTT 2.2.3. */
const LARGEST_PACKET = 268_435_460;

/** Of `broker.limits`, beside those of connections. */
export const sessionLimits = {
  packetSize: size(16, LARGEST_PACKET).prefault("16MiB").describe("Largest MQTT packet of a client."),
  connectPacketSize: size(1_024, LARGEST_PACKET)
    .prefault("256KiB")
    .describe("Largest packet of a client that was not let in yet."),
  connectTimeout: duration(100, 600_000).prefault("10s").describe("Until a new connection must have sent its CONNECT."),
  keepAlive: duration(1_000, 65_535_000)
    .exactOptional()
    .describe("The longest keep alive: a client of MQTT 5 that asks for more is told this one. Left out: any."),
  receiveMaximum: whole(1, 65_535)
    .default(1_024)
    .describe("QoS 1 and 2 messages of one client that may be on their way in; one that sends more is cut off."),
  inFlight: whole(1, 65_535)
    .default(1_024)
    .describe("QoS 1 and 2 messages that are on their way to one client at once; it may ask for fewer."),
  topicAliases: whole(0, 65_535).default(32).describe("Topic aliases of one connection, each way (MQTT 5)."),
  topicLevels: whole(1, 1_000).default(64).describe("Levels of a topic or filter."),
  subscriptions: whole(1, 1_000_000).default(1_000).describe("Subscriptions of one client."),
  sessionExpiry: duration(1_000, 366 * DAY)
    .exactOptional()
    .describe("The longest that a session outlives its connection. Left out: as long as the client asks, or for ever."),
  sessions: whole(1, 1_000_000)
    .default(10_000)
    .describe("Sessions at once; a client that wants one that outlives its connection is refused beyond it."),
  retainedMessages: whole(0, 100_000_000).default(100_000).describe("Retained messages."),
  retainedSize: size(0, 2 ** 40)
    .prefault("64MiB")
    .describe("Bytes of all retained messages."),
  queuedSize: size(0, 2 ** 40)
    .prefault("128MiB")
    .describe("Bytes of all messages that wait for clients."),
  patience: duration(100, 600_000)
    .prefault("5s")
    .describe(
      "How long clients that publish are held back for a subscriber that takes less than comes. Then its QoS 0 messages are " +
        "dropped; after ten times as long without catching up it is cut off.",
    ),
};

export const queue = z
  .strictObject({
    messages: whole(1, 100_000_000).default(10_000).describe("QoS 1 and 2 messages that wait for one client."),
    size: size(1_024, 2 ** 40)
      .prefault("16MiB")
      .describe("Bytes of them."),
    whenFull: z
      .enum(["drop-oldest", "drop-newest"])
      .default("drop-oldest")
      .describe("Which message is dropped, and counted, when one more comes."),
  })
  .prefault({})
  .describe("What waits for a client that is away or slow.");

export const durability = z
  .enum(["commit", "interval", "none", "memory"])
  .default("commit")
  .describe(
    "Sessions, their messages, wills and retained messages. `commit`: a message is acknowledged once it is on the medium; " +
      "`interval`: it gets there within a second; `none`: when the system pleases; `memory`: a restart forgets it.",
  );

export const sys = z
  .union([z.literal("off"), duration(1_000)], unless("must be a duration with its unit, such as 10s, or off"))
  .prefault("10s")
  .describe("How often `$SYS/broker/...` topics are published where they changed; `off`: never.");

const filterText = text.min(1, "must not be empty").max(512, "must be at most 512 characters long");
const from = filterText.refine(validFilter, "must be an MQTT filter: + and # alone between slashes, # only at the end");
const to = filterText.refine(
  (one) => templateProblem(one.replace(/\{(#|\d{1,2})\}/g, "x")) === undefined,
  "must be a topic, with {1}, {2}... for what + takes and {#} for what # takes",
);

export const rewrite = z
  .array(
    z
      .strictObject({
        from: from.describe("Filter of the topics to rewrite."),
        to: to.describe("What they become: `{1}` is what the first `+` takes, `{#}` what `#` takes."),
        on: z
          .enum(["publish", "subscribe", "both"])
          .default("both")
          .describe("Topics that clients publish to, filters that they subscribe to, or both."),
      })
      .superRefine(({ from, to }, context) => {
        const singles = from.split("/").filter((level) => level === "+").length;
        for (const [whole, name] of to.matchAll(/\{(#|\d{1,2})\}/g)) {
          const there = name === "#" ? from.endsWith("#") : Number(name) >= 1 && Number(name) <= singles;
          if (!there)
            context.addIssue({ code: "custom", path: ["to"], message: `has ${whole}, which from does not take` });
        }
      }),
  )
  .max(MAX_RULES, `must list at most ${MAX_RULES} rules`)
  .prefault([])
  .describe("Topics that clients use, and what they become. The first rule that fits counts.");

const pattern = text.min(1, "must not be empty").max(256, "must be at most 256 characters long");

export const clients = z
  .array(
    z.strictObject({
      client: pattern.exactOptional().describe("Client id; `*` stands for any text. Left out: every client."),
      user: pattern.exactOptional().describe("User name; `*` stands for any text. Left out: every user, and none."),
      publishQos: z
        .strictObject({
          least: qos.default(0).describe("What is published with less is lifted to it."),
          most: qos.default(2).describe("What is published with more is cut to it."),
        })
        .refine(({ least, most }) => least <= most, "least must not be more than most")
        .prefault({})
        .describe("QoS with which what it publishes is carried on."),
      deliverQos: z
        .strictObject({
          most: qos.default(2).describe("Subscriptions that ask for more get this."),
          lift: z
            .boolean(unless("must be true or false"))
            .default(false)
            .describe("Messages come with the QoS of the subscription even where they were published with less."),
        })
        .prefault({})
        .describe("QoS with which it gets messages."),
      rate: whole(1, 10_000_000)
        .exactOptional()
        .describe("Messages a second that it may publish; it is read no faster. Left out: any."),
    }),
  )
  .max(MAX_RULES, `must list at most ${MAX_RULES} rules`)
  .prefault([])
  .describe("What holds for single clients. The first entry that fits counts.");

export type QueueConfig = Readonly<z.output<typeof queue>>;
