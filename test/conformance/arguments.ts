import { parseArgs } from "node:util";

/** What is measured. */
export type Subject =
  | { readonly kind: "weir" }
  | { readonly kind: "mosquitto" }
  /** One that runs already, and that nobody resets between the tests. */
  | { readonly kind: "url"; readonly host: string; readonly port: number };

export interface Arguments {
  /** Checkouts of the suites; undefined: not run. */
  readonly eclipse: string | undefined;
  readonly mosquitto: string | undefined;
  readonly broker: Subject;
  /** Only tests whose name contains it. */
  readonly only: string | undefined;
  readonly json: boolean;
  readonly markdown: boolean;
}

export const USAGE = `npm run -s test:conformance -- [--eclipse DIR] [--mosquitto DIR] [OPTION...]
  --eclipse DIR      a checkout of eclipse/paho.mqtt.testing: interoperability/client_test.py and client_test5.py
  --mosquitto DIR    a checkout of eclipse/mosquitto, tag v2.0.18: those of test/broker/*.py that fit another broker
  --broker NAME      weir, mosquitto (the one that is installed) or the URL of one that runs: mqtt://127.0.0.1:1883 (weir)
  --only NAME        only tests whose name contains NAME
  --markdown         the results as Markdown in place of the list
  --json             the last line is one JSON object
`;

/** Throws an Error that says what is wrong. */
export function readArguments(argv: readonly string[]): Arguments {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      eclipse: text,
      mosquitto: text,
      broker: { ...text, default: "weir" },
      only: text,
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
    },
  });
  const { eclipse, mosquitto, only, json, markdown } = values;
  if (eclipse === undefined && mosquitto === undefined) throw new Error("--eclipse or --mosquitto is needed");
  return { eclipse, mosquitto, broker: readSubject(values.broker), only, json, markdown };
}

export function readSubject(broker: string): Subject {
  if (broker === "weir" || broker === "mosquitto") return { kind: broker };
  const url = URL.canParse(broker) ? new URL(broker) : undefined;
  if (url?.protocol !== "mqtt:" || url.hostname === "") {
    throw new Error(`--broker is weir, mosquitto or a URL such as mqtt://127.0.0.1:1883, not ${broker}`);
  }
  return { kind: "url", host: url.hostname, port: url.port === "" ? 1883 : Number(url.port) };
}
