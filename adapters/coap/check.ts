import type { Problem } from "../../src/core/adapter.js";
import { isAsked } from "../../src/profile/index.js";
import type { CoapUri } from "../../src/protocols/coap/index.js";
import { listenAddress, type Settings } from "./config.js";
import type { DtlsSettings } from "./dtls/config.js";
import { FileProblem, isExposed, type Material, readMaterial } from "./dtls/material.js";
import { identityOf } from "./posted/identity.js";
import { type Device, pathProblems } from "./posted/targets.js";
import { gatewayProblems } from "./pubsub/check.js";

/** Of identities, in a message. */
const SHOWN = 3;

/** What the schemas cannot say. Reads the files of DTLS, and opens no port. */
export function check(settings: Settings, devices: readonly Device[]): Problem[] {
  const posting = devices.filter(({ address }) => address.server === undefined);
  const problems = [...listenProblems(settings), ...pathProblems(posting), ...reachProblems(settings, posting)];
  problems.push(...gatewayProblems(settings, posting));
  const material = materialOf(settings, problems);
  for (const device of devices) {
    const { server } = device.address;
    if (server !== undefined) problems.push(...askedProblems(settings, device, server, material));
  }
  problems.push(...keyProblems(settings, devices, material));
  return problems;
}

function listenProblems({ listen, dtls }: Settings): Problem[] {
  const problems: Problem[] = [];
  for (const [index, url] of listen.entries()) {
    if (listen.indexOf(url) !== index) problems.push({ path: ["listen", index], message: `${url} is there twice` });
  }
  if (dtls === undefined && listen.some((url) => listenAddress(url).secure)) {
    problems.push({
      path: ["listen"],
      message: "dtls:// needs keys: add psk, or cert and key, under adapters.coap.dtls",
    });
  }
  return problems;
}

/** Devices that could never post. */
function reachProblems({ listen, dtls, pubsub }: Settings, posting: readonly Device[]): Problem[] {
  if (listen.some((url) => listenAddress(url).secure)) return [];
  if (dtls?.required === true && (posting.length > 0 || pubsub !== undefined)) {
    return [{ path: ["dtls", "required"], message: "lets nobody post: listen has no dtls:// address" }];
  }
  return posting
    .filter(({ address }) => address.identity !== undefined)
    .map(({ id }) => ({
      device: id,
      path: ["address", "identity"],
      message: "is proved over DTLS only, and adapters.coap.listen has no dtls:// address",
    }));
}

function materialOf({ dtls }: Settings, problems: Problem[]): Material | undefined {
  if (dtls === undefined) return undefined;
  problems.push(...exposedProblems(dtls));
  try {
    return readMaterial(dtls);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    problems.push({ path: ["dtls", error.key], message: error.message });
    return undefined;
  }
}

/** Identities that a key and its device do not have in common: the file may get them later, so that they are warnings. */
function keyProblems(settings: Settings, devices: readonly Device[], material: Material | undefined): Problem[] {
  const { dtls, pubsub, listen } = settings;
  if (material === undefined || dtls?.psk === undefined) return [];
  const { psk, trust } = material;
  const problems: Problem[] = [];
  const secured = listen.filter((url) => listenAddress(url).secure);
  const provesAll = dtls.required || secured.length === listen.length;
  for (const device of devices) {
    const { server, identity } = device.address;
    if (server !== undefined || secured.length === 0 || trust !== undefined || (identity === undefined && !provesAll))
      continue;
    if (psk.has(identityOf(device))) continue;
    const message = `cannot post: ${dtls.psk} has no key of its identity ${JSON.stringify(identityOf(device))}`;
    problems.push({ device: device.id, path: ["address"], message, level: "warning" });
  }
  const known = new Set(devices.map(identityOf));
  const strange = [...psk.keys()].filter((name) => !known.has(name));
  // To the broker each identity is a user.
  if (pubsub !== undefined || strange.length === 0) return problems;
  const some = strange.slice(0, SHOWN).map((name) => JSON.stringify(name));
  const more = strange.length > SHOWN ? ` and ${strange.length - SHOWN} more` : "";
  const message = `${dtls.psk} has keys of identities that are no device's: ${some.join(", ")}${more}`;
  return [...problems, { path: ["dtls", "psk"], message, level: "warning" }];
}

function exposedProblems(dtls: DtlsSettings): Problem[] {
  return (["psk", "key"] as const).flatMap((key) => {
    const file = dtls[key];
    if (file === undefined || !isExposed(file)) return [];
    const message = `the file ${file} can be read by others than its owner: chmod 600`;
    return [{ path: ["dtls", key], message, level: "warning" as const }];
  });
}

function askedProblems(settings: Settings, device: Device, server: CoapUri, material: Material | undefined): Problem[] {
  const { id, profile } = device;
  const problems: Problem[] = [];
  if (profile === undefined) {
    problems.push({
      device: id,
      path: ["profile"],
      message: "a device that is asked needs a profile: it says what is asked for",
    });
  } else if (!isAsked(profile)) {
    const message = `profile ${profile.name} has no reads and no commands in its coap section: there is nothing to ask`;
    problems.push({ device: id, path: ["profile"], message });
  }
  if (server.scheme === "coap") {
    if (device.address.identity === undefined) return problems;
    const message = "is proved over DTLS only: the url must begin with coaps://";
    return [...problems, { device: id, path: ["address", "identity"], message }];
  }
  if (settings.dtls === undefined) {
    const message = "coaps:// needs keys: add psk, or ca, under adapters.coap.dtls";
    return [...problems, { device: id, path: ["address"], message }];
  }
  if (material !== undefined && material.trust === undefined && !material.psk.has(identityOf(device))) {
    const message = `${settings.dtls.psk ?? "adapters.coap.dtls.psk"} has no key of the identity ${JSON.stringify(identityOf(device))}`;
    problems.push({ device: id, path: ["address"], message });
  }
  return problems;
}
