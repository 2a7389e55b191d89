/**
 * What mosquitto's tests start in place of `../../src/mosquitto`: `stand-in.js FOLDER BROKER ARGUMENT...`. It becomes Weir with
 * an equivalent configuration, in this very process, so that the test's signals reach it; or, for a broker that runs
 * already, it stands before it on the port that the test chose.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { argv, stderr } from "node:process";
import { readSubject, type Subject } from "./arguments.js";
import { type Conf, readCommand } from "./mosquitto-conf.js";
import { REFUSED, stateFolder } from "./stand-in-files.js";
import { configureWeir } from "./weir-config.js";

function refuse(folder: string, options: readonly string[]): void {
  appendFileSync(join(folder, REFUSED), options.map((option) => `${option}\n`).join(""));
  stderr.write(`no equivalent for: ${options.join(", ")}\n`);
  process.exitCode = 78;
}

async function becomeWeir(folder: string, conf: Conf): Promise<void> {
  const state = stateFolder(folder, conf);
  const { text, refused } = configureWeir("mosquitto", state, conf);
  if (refused.length > 0) {
    refuse(folder, refused);
    return;
  }
  const file = `${state}.yaml`;
  writeFileSync(file, text);
  argv.splice(2, argv.length, "run", file);
  await import("../../src/main.js");
}

function standBefore({ host, port }: Subject & { kind: "url" }, folder: string, conf: Conf): void {
  const strange = [...conf.options].filter(([name, value]) => name !== "allow_anonymous" || value !== "true");
  if (strange.length > 0) {
    refuse(
      folder,
      strange.map((option) => option.join(" ")),
    );
    return;
  }
  for (const each of conf.ports) {
    createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ host, port, allowHalfOpen: true });
      near.on("error", () => far.destroy()).pipe(far);
      far.on("error", () => near.destroy()).pipe(near);
    }).listen(each, "127.0.0.1");
  }
  process.once("SIGTERM", () => process.exit(0));
}

async function main([folder = "", broker = "", ...rest]: readonly string[]): Promise<void> {
  const subject = readSubject(broker);
  const conf = readCommand(rest, (file) => readFileSync(file, "utf8"));
  if (subject.kind === "mosquitto") throw new Error("mosquitto is its own stand-in");
  if (subject.kind === "weir") await becomeWeir(folder, conf);
  else standBefore(subject, folder, conf);
}

await main(argv.slice(2));
