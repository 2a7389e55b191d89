/** The strict upstream as a process, to be ended by `kill -9`: `node main.js '{"port":...,"ledger":...,...}'`. */
import { argv, stdout } from "node:process";
import { z } from "zod";
import { seeded } from "../random.js";
import { openStrictUpstream } from "./server.js";

const Settings = z.strictObject({
  port: z.number(),
  ledger: z.string(),
  method: z.enum(["A", "B"]),
  delay: z.number().default(0),
  receiveMaximum: z.number().optional(),
  seed: z.number().default(0),
});
export type StrictSettings = z.input<typeof Settings>;

const { seed, receiveMaximum, ...settings } = Settings.parse(JSON.parse(argv[2] ?? "{}"));
const { port } = await openStrictUpstream({ ...settings, receiveMaximum, random: seeded(seed) });
stdout.write(`strict upstream on ${port} is ready\n`);
