import { z } from "zod";
import { duration, flag, identifier, name, path, qos, size, text, unless, whole } from "./scalars.js";
import { bridgePrefix, filter, plainTopic } from "./topic.js";
import { upstreamUrl } from "./urls.js";

/** What a bridge can be told: the part of the one definition (schema.ts) that is under `bridges`. */

const tls = z.strictObject({
  ca: path.exactOptional().describe("File with the certificates (PEM) to trust in place of the system's."),
  cert: path.exactOptional().describe("File with the gateway's own certificate (PEM)."),
  key: path
    .exactOptional()
    .describe("File with the key of that certificate (PEM). Only its owner should be able to read it."),
  alpn: z
    .array(text.min(1, "must not be empty").max(255, "must be at most 255 characters long"))
    .max(8, "must list at most 8 protocols")
    .exactOptional()
    .describe("Application protocols to offer (ALPN), such as [x-amzn-mqtt-ca]."),
  rejectUnauthorized: flag
    .default(true)
    .describe("false accepts any certificate: for a test bench only, anyone on the way can read along."),
});

const whenFull = z.enum(["drop-oldest", "drop-newest", "refuse"]);
const durability = z.enum(["commit", "interval", "none"]);
/** Longest lives of messages: years are no use, and a timer cannot count them. */
const LONGEST_LIFE = 366 * 24 * 3_600_000;

const rule = z.strictObject({
  filter: filter.describe("MQTT filter below the prefixes."),
  direction: z
    .enum(["out", "in", "both"])
    .describe(
      "`out`: local to upstream; `in`: upstream to local; `both`: each way, what came one way never goes back.",
    ),
  qos: qos.exactOptional().describe("Highest QoS that this rule carries."),
  localPrefix: bridgePrefix
    .default("")
    .describe("What local topics begin with; replaced by remotePrefix. Ends with a slash."),
  remotePrefix: bridgePrefix.default("").describe("What upstream topics begin with. Ends with a slash."),
  retain: z
    .enum(["keep", "clear"])
    .default("keep")
    .describe("`clear` takes the retain mark off: the other side does not keep the latest message."),
  priority: z
    .enum(["normal", "high"])
    .default("normal")
    .describe("`high` overtakes what waits with `normal`: for alarms. Has a queue of its own with the same bounds."),
  expiry: duration(1000, LONGEST_LIFE)
    .exactOptional()
    .describe(
      "A message that waited this long is dropped unsent. With MQTT 5 the upstream is told the rest of its life.",
    ),
  whenFull: whenFull.exactOptional().describe("As `outbox.whenFull`, for messages of this rule."),
  durability: durability
    .exactOptional()
    .describe("As `outbox.durability`, for messages of this rule; no effect where that is `memory`."),
  qos0: z
    .enum(["queue", "drop"])
    .default("queue")
    .describe("QoS 0 messages while the upstream is away: `queue` keeps them like all others, `drop` does not."),
});

const batch = z.strictObject({
  format: z
    .enum(["json", "senml-cbor"])
    .default("senml-cbor")
    .describe("`senml-cbor` is the smallest; `json` is readable by anyone. docs/guide/batches.md has the layouts."),
  compression: z
    .enum(["none", "zlib", "zstd"])
    .default("zlib")
    .describe("`zstd` needs a Node that has it (22.15 and later)."),
  messages: whole(2, 5_000).default(100).describe("Most messages in one batch."),
  size: size(1024, 2 ** 19)
    .prefault("64KiB")
    .describe("Most bytes of topics and payloads in one batch, before compression."),
  linger: duration(0, 3_600_000)
    .prefault("5s")
    .describe("The longest that the first message of a batch waits for others."),
  topic: plainTopic
    .exactOptional()
    .describe("Upstream topic of batches. Left out: the gateway's own, `{prefix}/$gateway/{id}/batch`."),
});

const outbox = z.strictObject({
  maxMessages: z
    .int(unless("must be a whole number"))
    .min(1, "must be at least 1")
    .exactOptional()
    .describe("Most messages that wait for the upstream. Left out: 10000000, with durability `memory` 100000."),
  maxBytes: size(1024, 2 ** 40)
    .exactOptional()
    .describe("Most bytes that wait for the upstream. Left out: 1GiB, with durability `memory` 64MiB."),
  maxAge: duration(1000, LONGEST_LIFE)
    .exactOptional()
    .describe("What waited this long is dropped. Left out: nothing is ever too old."),
  whenFull: whenFull
    .default("drop-oldest")
    .describe("At the bound: lose the oldest, lose the new one, or refuse it so that the sender keeps it."),
  durability: z
    .enum(["commit", "interval", "none", "memory"])
    .default("commit")
    .describe(
      "`commit`: QoS 1 and 2 are acknowledged to the sender once they are on the disk; `interval`: on the disk within " +
        "`interval`; `none`: when the system likes; `memory`: never, a restart empties the queue.",
    ),
  interval: duration(10, 60_000).prefault("1s").describe("With durability `interval`: what a power cut may cost."),
});

const MAX_SERVERS = 16;

export const bridge = z.strictObject({
  id: identifier("bridge id").describe("Names the bridge in logs and metrics. Unique."),
  url: z
    .union([
      upstreamUrl,
      z.array(upstreamUrl).min(1, "must name a server").max(MAX_SERVERS, `must list at most ${MAX_SERVERS} servers`),
    ])
    .describe(
      "The upstream broker: mqtt://, mqtts://, ws:// or wss://. A list names several servers of one upstream, the " +
        "preferred one first: when one fails the next is taken.",
    ),
  preferred: z
    .enum(["first", "none"])
    .default("first")
    .describe("`first` goes back to a server further ahead in the list once it is well again; `none` stays."),
  failback: duration(1000, 86_400_000)
    .prefault("1m")
    .describe("How often a server further ahead is looked at; it must be well twice in a row."),
  backoff: z
    .strictObject({
      min: duration(10, 60_000).prefault("500ms").describe("The shortest pause before a server is tried again."),
      max: duration(100, 3_600_000).prefault("30s").describe("Pauses grow up to this. Each is random between both."),
    })
    .prefault({})
    .describe("Pauses between attempts to connect."),
  username: name.exactOptional().describe("User name at the upstream."),
  password: name
    .exactOptional()
    .describe(`Password at the upstream. Keep it out of the file: write \${file:/run/secrets/x} here.`),
  passwordFile: path
    .exactOptional()
    .describe("File with the password or token, read anew for every connection: for tokens that are renewed."),
  clientId: name.exactOptional().describe("MQTT client id. Left out: `weir-<gateway id>-<bridge id>`."),
  protocol: z
    .literal([4, 5], unless("must be 4 (MQTT 3.1.1) or 5 (MQTT 5)"))
    .default(4)
    .describe("4 is MQTT 3.1.1, 5 is MQTT 5."),
  keepAlive: duration(1000, 65_535_000)
    .refine((ms) => ms % 1000 === 0, "must be whole seconds: MQTT counts in seconds")
    .prefault("30s")
    .describe("Longest silence before a ping, in whole seconds."),
  timeout: duration(1000, 600_000)
    .prefault("10s")
    .describe("A server that leaves something unanswered this long is given up, and the next one is tried."),
  clean: flag.default(false).describe("Forget the session when disconnected. Loses commands sent meanwhile."),
  tls: tls.exactOptional().describe("Only with mqtts:// or wss://. Files that change are read again."),
  window: whole(1, 10_000).default(100).describe("Messages in flight at once, sent and not yet acknowledged."),
  catchUp: whole(1, 1_000_000)
    .exactOptional()
    .describe(
      "Most messages a second that are sent of `normal` priority, so that a backlog does not take the whole line.",
    ),
  topicAliases: whole(0, 65_535)
    .default(16)
    .describe("MQTT 5: topics that are sent as a number after the first time; no more than the upstream allows."),
  messageId: z
    .enum(["none", "property", "field"])
    .default("none")
    .describe(
      "A stable id in each message, for consumers that remove duplicates: a user property `weir-id` (MQTT 5), or a field " +
        "`weirId` in payloads that are JSON objects.",
    ),
  batch: batch.exactOptional().describe("Many messages in one: for lines that are paid by the byte."),
  outbox: outbox.prefault({}).describe("The queue in front of the upstream."),
  rules: z
    .array(rule)
    .max(256, "must list at most 256 rules")
    .exactOptional()
    .describe("What goes where. Left out: everything of the gateway's prefix out, commands of its devices in."),
});

export type FileBridge = z.output<typeof bridge>;
export type BridgeRule = z.output<typeof rule>;
