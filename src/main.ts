#!/usr/bin/env node
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { messageOf, WeirError } from "./core/errors.js";

const HELP = `weir: an edge gateway from serial lines, CoAP and more to MQTT

  weir run [CONFIG]            run the gateway
  weir check [CONFIG]          check a configuration and all it refers to, without opening a port
  weir read PROFILE            show what a device on a serial port says  --port PATH
  weir simulate PROFILE        play a device  --port PATH | --coap URL --device ID  [--seed N]
  weir decode [FILE]           show the messages of a batch  [--hex | --base64]
  weir profiles [PROFILE]      list the profiles, or check one and run its samples
  weir import MOSQUITTO_CONF   print the bridges of a mosquitto.conf as a configuration; what does not fit goes to stderr
  weir passwd FILE USER        set the password of an MQTT client in a file of users  [--delete] [--stdin]
  weir ports                   list the serial ports of this machine
  weir schema config|profile|reference   print the JSON Schemas for editors, or the reference page

  --set PATH=VALUE   override the configuration: --set broker.listeners.0=tcp://127.0.0.1:1884
                     (the environment can too: WEIR_BROKER__LISTENERS__0=tcp://127.0.0.1:1884)
  --help, --version

CONFIG is weir.yaml if left out, or what WEIR_CONFIG names. Guide: docs/guide/configuration.md
decode: FILE is standard input if left out or -. Guide: docs/guide/batches.md
passwd: makes FILE if it is not there; asks twice, or reads a line where input is no terminal. Guide: docs/guide/access.md
PROFILE is a name from \`weir profiles\`, such as plantower/pms5003, or the path of a .yaml file of yours.
run, read and simulate go on until Ctrl-C.
`;

/** Wrong usage and wrong configuration end with 2, everything else that fails with 1. */
async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      version: { type: "boolean", short: "v" },
      set: { type: "string", multiple: true },
      port: { type: "string" },
      coap: { type: "string" },
      device: { type: "string" },
      seed: { type: "string" },
      hex: { type: "boolean" },
      base64: { type: "boolean" },
      delete: { type: "boolean" },
      stdin: { type: "boolean" },
    },
  });
  const [command, argument, second, ...more] = positionals;
  if (values.version) return (await import("./version.js")).printVersion();
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const extra = command === "passwd" ? more[0] : second;
  if (extra !== undefined) {
    process.stderr.write(`weir: "${extra}" is one argument too many\n\n${HELP}`);
    return 2;
  }
  const config = { file: argument ?? process.env["WEIR_CONFIG"] ?? "weir.yaml", set: values.set ?? [] };
  // Each command brings its own modules: `weir check` should not load a broker.
  switch (command) {
    case "run":
      holdYoungHeap(true);
      return (await import("./cli/run.js")).run(config, () => holdYoungHeap(false));
    case "check":
      return (await import("./cli/check.js")).check(config);
    case "decode":
      return (await import("./cli/decode.js")).decode(argument, values);
    case "profiles":
      return (await import("./cli/profiles.js")).profiles(argument);
    case "passwd":
      return (await import("./cli/passwd.js")).passwd(argument, second, values);
    case "ports":
      return (await import("./cli/ports.js")).ports();
    case "read":
      return (await import("./cli/read.js")).read(argument, values.port);
    case "simulate":
      return (await import("./cli/simulate.js")).simulate(argument, values);
    case "import":
      return (await import("./cli/import.js")).importConfig(argument);
    case "schema":
      return (await import("./cli/schema.js")).schema(argument);
    default:
      process.stderr.write(`weir: there is no command "${command}"\n\n${HELP}`);
      return 2;
  }
}

// Whoever read the output went away (`weir profiles | head`): a gateway runs on, everything else has nobody to speak to.
process.stdout.on("error", () => {
  if (process.argv[2] !== "run") process.exit(0);
});

/**
 * Loading the modules makes V8 grow its young generation, and what has grown is not given back: 10 MB of an idle gateway.
 * So it is held small until the gateway is ready, and may grow with the traffic from then on. 2 is V8's own factor.
 */
function holdYoungHeap(hold: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${hold ? 1 : 2}`);
}

// Whoever read the log went away (`weir run 2>&1 | tee log`): an error that nobody listens to would end the gateway.
process.stderr.on("error", () => {});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const usage = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    const config = error instanceof WeirError && error.code === "CONFIG_INVALID";
    const advised =
      error instanceof WeirError && !config ? error.advice : usage ? "`weir --help` shows what there is." : "";
    const advice = advised === "" ? "" : `\n${advised}`;
    process.stderr.write(`${config ? "" : "weir: "}${messageOf(error)}${advice}\n`);
    if (!config && !usage && !(error instanceof WeirError) && error instanceof Error)
      process.stderr.write(`${error.stack}\n`);
    process.exitCode = config || usage ? 2 : 1;
  },
);
