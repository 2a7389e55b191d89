import { z } from "zod";
import type { AdapterModule } from "../core/adapter.js";
import { brokerAccess } from "./access-schema.js";
import { bridge } from "./bridge-schema.js";
import { limits, listeners, plainListener } from "./broker-schema.js";
import { CLUSTER, cluster } from "./cluster-schema.js";
import { commands } from "./commands.js";
import { duration, flag, identifier, name, path, qos, resourceName, unless } from "./scalars.js";
import { clients, durability, queue, rewrite, sys } from "./session-schema.js";
import { gatewayPrefix, template } from "./topic.js";

/**
 * The one definition of the configuration: types, defaults, validation, JSON Schema and the reference page come from
 * here. A description is what a user reads; a default is what they get.
 */

/** What the configuration needs of an adapter. */
export type AdapterSchemas = Pick<AdapterModule<unknown>, "name" | "settings" | "address" | "absolute">;

/** Bounds of what a file may list: far above any gateway, and enough to keep a wrong file from eating the machine. */
const MAX_DEVICES = 5_000;
const MAX_BRIDGES = 16;

const deadbandSide = z.number().positive("must be more than 0").exactOptional();
const deadband = z.strictObject({
  absolute: deadbandSide.describe("A change up to this much is not reported, in the unit of the resource."),
  percent: deadbandSide.describe("A change up to this much is not reported, in percent of the value last reported."),
});

export const report = z.discriminatedUnion("on", [
  z.strictObject({ on: z.literal("every").describe("Every reading becomes a message.") }),
  z.strictObject({
    on: z.literal("change").describe("A reading becomes a message when it differs from the one last reported."),
    deadband: deadband.exactOptional().describe("How far a number must move. Both given: beyond either is enough."),
    heartbeat: duration(1)
      .exactOptional()
      .describe("The latest reading is sent again after this long without a message."),
    minInterval: duration(1)
      .exactOptional()
      .describe("At most one message in this time; the latest reading is sent when it ends."),
  }),
]);

const format = z.enum(["value", "json", "object", "senml"]);
/** One resource taken out of its device's object has a format of its own; it cannot be an object of one. */
const resourceFormat = z.enum(["value", "json", "senml"]);

const words = {
  qos: "MQTT quality of service of the readings: 0 at most once, 1 at least once, 2 exactly once.",
  retain: "Brokers keep the latest message for those who subscribe later.",
  format:
    "What a message holds: `value` the bare value; `json` value, time, unit and quality; " +
    "`object` one message a device with all its values; `senml` RFC 8428.",
  topic:
    "Topic template with {prefix}, {device}, {resource} and {gateway}. " +
    "With format `object` it must not contain {resource}; with any other it must.",
  report: "When a reading becomes a message.",
  stale: "The device counts as offline after this long without a reading.",
};

const resource = z.strictObject({
  qos: qos.exactOptional().describe(words.qos),
  retain: flag.exactOptional().describe(words.retain),
  format: resourceFormat
    .exactOptional()
    .describe("Format of this resource. It takes the resource out of its device's object."),
  topic: template.exactOptional().describe("Topic of this resource. It needs no {resource}."),
  report: report.exactOptional().describe(words.report),
});

const defaults = z.strictObject({
  qos: qos.default(1).describe(words.qos),
  retain: flag.default(false).describe(words.retain),
  format: format.default("json").describe(words.format),
  topic: template
    .exactOptional()
    .describe(
      `${words.topic} Left out: \`{prefix}/{device}/{resource}\`, or \`{prefix}/{device}\` with format \`object\`.`,
    ),
  report: report.prefault({ on: "every" }).describe(words.report),
  stale: duration(1000).prefault("5m").describe(words.stale),
});

const device = z.strictObject({
  id: identifier("device id").describe("Names the device in topics, logs and commands. Unique."),
  adapter: z.string(unless("must be the name of an adapter")).describe("Which adapter speaks to it."),
  profile: name
    .exactOptional()
    .describe("What it says and how: `vendor/model` from the profile folders, or the path of a .yaml file."),
  address: z
    .unknown()
    .exactOptional()
    .describe("Where it is; its form is the adapter's. A simulated device needs none."),
  qos: qos.exactOptional().describe(words.qos),
  retain: flag.exactOptional().describe(words.retain),
  format: format.exactOptional().describe(words.format),
  topic: template.exactOptional().describe(words.topic),
  report: report.exactOptional().describe(words.report),
  stale: duration(1000).exactOptional().describe(words.stale),
  simulate: flag.default(false).describe("Played from its profile: no hardware is opened."),
  resources: z.record(resourceName, resource).prefault({}).describe("What single resources do otherwise, by name."),
});

const simulator = z.strictObject({
  upstream: plainListener.exactOptional().describe("Address of an embedded second broker, for a bridge to reach."),
  table: flag.default(false).describe("Print a live table of what arrives there."),
});

const clock = z.strictObject({
  mode: z
    .enum(["auto", "trust"])
    .default("auto")
    .describe(
      "`auto`: readings taken before the clock is set are held, and dated once it is; `trust`: the clock is right from the " +
        "start (it has a battery).",
    ),
  wait: duration()
    .prefault("4m")
    .describe(
      "How long readings are held at most. Then they go out with the time that the clock says, marked `uncertain`.",
    ),
});

/** The schema of a whole file with these adapters. `devices[].address` is checked apart, by the adapter that the device names. */
export function fileSchema(adapters: readonly AdapterSchemas[]) {
  const settings = Object.fromEntries(
    adapters.map((adapter) => [
      adapter.name,
      adapter.settings
        .prefault({})
        .describe(adapter.settings.description ?? `Settings of the ${adapter.name} adapter.`),
    ]),
  );
  return z.strictObject({
    gateway: z
      .strictObject({
        id: identifier("gateway id").exactOptional().describe("Names this gateway. Left out: the host name."),
        prefix: gatewayPrefix.default("weir").describe("What every topic of this gateway begins with."),
        state: path
          .exactOptional()
          .describe(
            "Folder of what must survive a restart: the queues in front of the upstreams. Left out: the one that systemd " +
              "gives (STATE_DIRECTORY), else `weir-state` beside this file.",
          ),
        info: duration(1000)
          .prefault("1m")
          .describe(
            "How often the gateway's state is published on its `info` topic, here and upstream, if it changed.",
          ),
        clock: clock
          .prefault({})
          .describe("What to do until the machine knows the time, for one without a battery clock."),
      })
      .prefault({})
      .describe("The gateway itself."),
    log: z
      .strictObject({
        level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("The least that is logged."),
        format: z.enum(["text", "json"]).default("text").describe("`text` for people, `json` one object a line."),
      })
      .prefault({})
      .describe("The log, on stderr."),
    broker: z
      .strictObject({
        listeners,
        cluster: cluster.exactOptional().describe(CLUSTER),
        ...brokerAccess,
        limits,
        queue,
        durability,
        sys,
        rewrite,
        clients,
      })
      .prefault({})
      .describe("The embedded MQTT broker."),
    bridges: z
      .array(bridge)
      .max(MAX_BRIDGES, `must list at most ${MAX_BRIDGES} bridges`)
      .prefault([])
      .describe("Upstream brokers that messages are carried to."),
    commands: commands.prefault({}).describe("Who may command devices."),
    adapters: z.strictObject(settings).prefault({}).describe("Settings of the transports."),
    profiles: z
      .array(path)
      .max(64, "must list at most 64 folders")
      .prefault([])
      .describe("Folders with profiles, searched before the bundled ones. Relative to the configuration file."),
    defaults: defaults.prefault({}).describe("What devices take unless they say otherwise."),
    devices: z
      .array(device)
      .max(MAX_DEVICES, `must list at most ${MAX_DEVICES} devices`)
      .prefault([])
      .describe("The things in the field."),
    simulator: simulator.exactOptional().describe("For demonstrations without hardware or upstream."),
  });
}

export type FileConfig = z.output<ReturnType<typeof fileSchema>>;
export type FileDevice = z.output<typeof device>;
export type ClockConfig = z.output<typeof clock>;
export type Report = z.output<typeof report>;
export type PayloadFormat = z.output<typeof format>;
