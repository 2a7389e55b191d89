import { accessConsistency } from "./access-checks.js";
import type { ListenerConfig } from "./broker-schema.js";
import type { Config } from "./config.js";
import type { ListenerAddress } from "./listener-url.js";
import type { Finding } from "./wording.js";

/** Listeners whose keys do not go together, or that are in each other's way. Pure. */
export function listenerFindings(config: Config): Finding[] {
  return [
    ...config.broker.listeners.flatMap((listener, index) =>
      [...keyFindings(listener), ...accessConsistency(listener.access ?? {}, ["access"])].map(({ path, message }) => ({
        path: ["broker", "listeners", index, ...path],
        message,
      })),
    ),
    ...sameNames(config.broker.listeners),
    ...sameAddresses(config),
  ];
}

function keyFindings(listener: ListenerConfig): Finding[] {
  const { scheme, tls } = listener;
  const secure = scheme === "tls" || scheme === "wss";
  const findings: Finding[] = [];
  const add = (message: string, ...path: string[]) => findings.push({ path, message });
  if (secure && tls === undefined) add("needs tls with cert and key, or with psk");
  if (!secure && tls !== undefined) add("needs a url that begins with tls:// or wss://", "tls");
  if (listener.websocket !== undefined && scheme !== "ws" && scheme !== "wss")
    add("needs a url that begins with ws:// or wss://", "websocket");
  if (listener.mode !== undefined && scheme !== "unix") add("needs a url that begins with unix:", "mode");
  if (tls === undefined || !secure) return findings;
  const { cert, key, psk, ca, crl, chain, clientCertificate } = tls;
  if (cert === undefined && key === undefined && psk === undefined) add("needs cert and key, or psk", "tls");
  if (cert !== undefined && key === undefined) add("needs tls.key as well", "tls", "cert");
  if (key !== undefined && cert === undefined) add("needs tls.cert as well", "tls", "key");
  if (chain !== undefined && cert === undefined) add("needs tls.cert as well", "tls", "chain");
  if (clientCertificate === "none") {
    if (ca !== undefined) add("has no effect without clientCertificate: optional or required", "tls", "ca");
    if (crl.length > 0) add("has no effect without clientCertificate: optional or required", "tls", "crl");
  } else {
    if (ca === undefined) add("needs tls.ca: the authorities whose clients are let in", "tls", "clientCertificate");
    if (cert === undefined) add("needs tls.cert as well", "tls", "clientCertificate");
  }
  return findings;
}

function sameNames(listeners: readonly ListenerConfig[]): Finding[] {
  return listeners.flatMap(({ name }, index) => {
    const first = listeners.findIndex((other) => other.name === name);
    if (name === undefined || first === index) return [];
    return [{ path: ["broker", "listeners", index, "name"], message: `is the name of broker.listeners[${first}] too` }];
  });
}

function sameAddresses(config: Config): Finding[] {
  const upstream = config.simulator?.upstream;
  const all: { listener: ListenerAddress; path: Finding["path"]; name: string }[] = config.broker.listeners.map(
    (listener, index) => ({ listener, path: ["broker", "listeners", index], name: `broker.listeners[${index}]` }),
  );
  if (upstream) all.push({ listener: upstream, path: ["simulator", "upstream"], name: "simulator.upstream" });
  const first = new Map<string, string>();
  return all.flatMap(({ listener, path, name }) => {
    const address = listener.scheme === "unix" ? listener.path : `${listener.host} ${listener.port}`;
    const other = first.get(address);
    // Port 0 is another free port each time.
    if (other === undefined || (listener.scheme !== "unix" && listener.port === 0)) {
      first.set(address, name);
      return [];
    }
    return [{ path, message: `is the same address as ${other}` }];
  });
}
