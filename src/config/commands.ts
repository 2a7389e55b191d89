import { z } from "zod";
import { unless } from "./scalars.js";

const MAX_RULES = 256;
/** As core/topics.ts has names, with `*` in them. */
const hint = "must be 1 to 64 of A-Z a-z 0-9 . _ - and *, as text";
const pattern = z.string(unless(hint)).regex(/^[A-Za-z0-9._*-]{1,64}$/, hint);
const fromHint = "must be a bridge's id, local, or client: and a client id, in which * stands for any text";
const from = z.string(unless(fromHint)).regex(/^(?:[A-Za-z0-9._-]{1,64}|client:[^\p{Cc}]{1,128})$/u, fromHint);
const action = z.enum(["set", "get", "exec"]);

const rule = z.strictObject({
  from: from
    .exactOptional()
    .describe(
      "Who: a bridge's id for what came down it, `local` for MQTT clients of the embedded broker, `client:NAME` for those of " +
        "one client id or a pattern with `*`. Left out: everyone.",
    ),
  device: pattern.exactOptional().describe("Device id; `*` stands for any text. Left out: every device."),
  resource: pattern.exactOptional().describe("Resource; `*` stands for any text. Left out: every resource."),
  actions: z
    .array(action)
    .min(1, "must list at least one action: leave it out to allow all")
    .max(3, "must list each action once")
    .exactOptional()
    .describe("Which of `set`, `get` and `exec`. Left out: all."),
});

export const commands = z.strictObject({
  allow: z
    .array(rule)
    .max(MAX_RULES, `must list at most ${MAX_RULES} rules`)
    .exactOptional()
    .describe("A command runs if one of these rules fits it. Left out: all do; an empty list: none does."),
});

export type CommandsConfig = z.output<typeof commands>;
