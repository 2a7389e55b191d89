import { printable } from "../../config/problems.js";
import { localFilter } from "../../core/topics.js";
import { toUrl } from "./address.js";
import { type DraftBridge, type DraftRule, MOST } from "./draft.js";
import { type Setting, text, whole, words } from "./lines.js";
import type { Notes, Place } from "./notes.js";
import type { Section, Sections } from "./sections.js";
import { type Settings, settingsOf } from "./settings.js";
import { readTopic, toMapping } from "./topic.js";

export function toBridges(found: Sections, notes: Notes): DraftBridge[] {
  const general = settingsOf(found.general, notes);
  const queue = { ...inFlight(general), ...outbox(general, notes) };
  const ids = new Set<string>();
  const bridges = found.connections.flatMap((section) => {
    const bridge = toBridge(section, queue, ids, notes);
    return bridge === undefined ? [] : [bridge];
  });
  for (const { place } of bridges.slice(MOST.bridges))
    notes.error(place, `this connection is left out: there can be ${MOST.bridges} bridges at most`);
  return bridges.slice(0, MOST.bridges);
}

function toBridge({ head, settings }: Section, queue: object, ids: Set<string>, notes: Notes): DraftBridge | undefined {
  const own = settingsOf(settings, notes);
  const left = (why: string): undefined => {
    notes.error(head, `this connection is left out: ${why}`);
  };
  if (own.has("bridge_psk", "bridge_identity"))
    return left("Weir has no TLS with pre-shared keys; give the gateway a certificate or a password");
  const urls = addresses(own, notes);
  if (urls.length === 0) return left("it has no address that Weir could connect to");
  const protocol = version(own, notes);
  const roundRobin = own.flag("round_robin") === true;
  const keepAlive = own.whole("keepalive_interval", 1, 65_535);
  const clean = own.flag("cleansession");
  const keys = {
    id: identifier(head, ids, notes),
    url: urls.length === 1 ? urls[0] : urls,
    ...(roundRobin && urls.length > 1 ? { preferred: "none" } : {}),
    ...(protocol === undefined ? {} : { protocol }),
    ...credentials(own, head, notes),
    ...(keepAlive === undefined ? {} : { keepAlive: `${keepAlive}s` }),
    ...(clean === undefined ? {} : { clean }),
    ...tls(own, notes),
    ...queue,
    ...aliases(own, protocol, notes),
    ...backoff(own, notes),
  };
  const rules = toRules(settings, own.flag("bridge_outgoing_retain") === false, notes);
  if (rules.length === 0)
    notes.error(head, "this connection has no topic line that could be carried over: its bridge carries nothing");
  return { place: head, keys, rules };
}

/** The most that a bridge of ours has in flight. */
const LARGEST_WINDOW = 10_000;

/** Names of bridges are names of folders too: fewer characters than mosquitto takes, and each once. */
function identifier(head: Setting, ids: Set<string>, notes: Notes): string {
  const name = text(head);
  const base = name.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || "bridge";
  let id = base;
  for (let n = 2; ids.has(id); n++) id = `${base}-${n}`;
  ids.add(id);
  if (id !== name) notes.note(head, `the bridge is called ${id}: a name has A-Z a-z 0-9 . _ - and is there once`);
  return id;
}

function secure(own: Settings): boolean {
  return own.has("bridge_cafile", "bridge_capath") || own.flag("bridge_tls_use_os_certs") === true;
}

function addresses(own: Settings, notes: Notes): string[] {
  const setting = own.setting("address");
  if (setting === undefined) return [];
  const all = words(setting).map((word) => word.trim());
  const comment = all.findIndex((word) => word.startsWith("#"));
  const urls = (comment < 0 ? all : all.slice(0, comment)).flatMap((word) => {
    const made = toUrl(word, secure(own) ? "mqtts" : "mqtt");
    if (typeof made !== "string") return [made.url];
    notes.error(setting, `address: ${made}; left out`);
    return [];
  });
  const robin = own.setting("round_robin");
  if (robin !== undefined && urls.length === 1) notes.note(robin, "round_robin: left out, there is one address");
  return urls;
}

function version(own: Settings, notes: Notes): 4 | 5 | undefined {
  const setting = own.setting("bridge_protocol_version");
  const name = own.text("bridge_protocol_version");
  if (setting === undefined || name === "mqttv311") return name === undefined ? undefined : 4;
  if (name === "mqttv50") return 5;
  if (name === "mqttv31") notes.note(setting, "bridge_protocol_version: Weir has no MQTT 3.1, the bridge speaks 3.1.1");
  else notes.note(setting, "bridge_protocol_version must be mqttv31, mqttv311 or mqttv50; left out");
  return name === "mqttv31" ? 4 : undefined;
}

function credentials(own: Settings, head: Place, notes: Notes): object {
  const clientId = own.text("remote_clientid");
  const username = own.text("remote_username");
  const password = own.text("remote_password");
  const secret = own.setting("remote_password");
  if (clientId === undefined)
    notes.note(
      head,
      "there is no remote_clientid: mosquitto takes the host name and this name, Weir weir-<gateway id>-<bridge id>; " +
        "set clientId if the upstream knows the old one",
    );
  if (secret !== undefined && username === undefined)
    notes.note(secret, "remote_password: left out, it has no effect without remote_username");
  else if (secret !== undefined)
    notes.note(
      secret,
      "remote_password: the password is in the file as it is; move it to one of its own, which only its owner reads, and name that in passwordFile",
    );
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined || username === undefined ? {} : { password }),
  };
}

function tls(own: Settings, notes: Notes): object {
  const keys = [
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_keyfile",
    "bridge_alpn",
    "bridge_insecure",
  ];
  if (!secure(own)) {
    for (const key of keys) {
      const setting = own.setting(key);
      if (setting !== undefined)
        notes.note(setting, `${key}: left out, without bridge_cafile or bridge_capath mosquitto connects without TLS`);
    }
    return {};
  }
  const [ca, cert, key, alpn] = ["bridge_cafile", "bridge_certfile", "bridge_keyfile", "bridge_alpn"].map((name) =>
    own.text(name),
  );
  const folder = own.setting("bridge_capath");
  if (folder !== undefined && ca === undefined)
    notes.error(
      folder,
      "bridge_capath: the certificates must be in one file; put them together and name it in tls.ca, else the system's are trusted",
    );
  else if (folder !== undefined)
    notes.note(folder, "bridge_capath: left out, the certificates of bridge_cafile are trusted");
  for (const name of ["bridge_cafile", "bridge_certfile", "bridge_keyfile"]) {
    const setting = own.setting(name);
    if (setting !== undefined && !text(setting).startsWith("/"))
      notes.note(setting, `${name}: a relative path begins at the folder of the configuration in Weir`);
  }
  const insecure = own.flag("bridge_insecure") === true;
  const setting = own.setting("bridge_insecure");
  if (insecure && setting !== undefined)
    notes.note(
      setting,
      "bridge_insecure: mosquitto leaves out the host name only, rejectUnauthorized: false accepts any certificate; take it out if the certificate has the right name",
    );
  const made = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(alpn === undefined ? {} : { alpn: [alpn] }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
  return Object.keys(made).length === 0 ? {} : { tls: made };
}

/** For MQTT 5, whose own setting for it is; mosquitto's default of the other protocols is none. */
function aliases(own: Settings, protocol: 4 | 5 | undefined, notes: Notes): object {
  const most = own.whole("bridge_max_topic_alias", 0, 65_535);
  const setting = own.setting("bridge_max_topic_alias");
  if (most === undefined || setting === undefined) return {};
  if (protocol === 5) return { topicAliases: most };
  notes.note(setting, "bridge_max_topic_alias: left out, only MQTT 5 has topic aliases");
  return {};
}

function backoff(own: Settings, notes: Notes): object {
  const setting = own.setting("restart_timeout");
  if (setting === undefined) return {};
  const [least, most] = words(setting);
  const day = 86_400;
  const min = whole(least, 0, day);
  const max = most === undefined ? min : whole(most, 0, day);
  if (min === undefined || max === undefined || max < min) {
    notes.note(
      setting,
      `restart_timeout must be one or two whole numbers up to ${day}, the second not smaller; left out`,
    );
    return {};
  }
  return { backoff: { min: `${Math.max(1, min)}s`, max: `${Math.max(1, max)}s` } };
}

/** Both bounds are of all clients in mosquitto, and a bridge is one of them. */
function inFlight(general: Settings): object {
  const most = general.whole("max_inflight_messages", 0, 65_535);
  // 0 is mosquitto's "no limit".
  return most === undefined ? {} : { window: most === 0 ? LARGEST_WINDOW : Math.min(most, LARGEST_WINDOW) };
}

function outbox(general: Settings, notes: Notes): object {
  const messages = general.whole("max_queued_messages", 0, 2 ** 31 - 1);
  const bytes = general.whole("max_queued_bytes", 0, 2 ** 40);
  for (const [key, value] of [
    ["max_queued_messages", messages],
    ["max_queued_bytes", bytes],
  ] as const) {
    const setting = general.setting(key);
    if (setting !== undefined && value === 0)
      notes.note(setting, `${key}: left out, a queue has a bound in Weir: the usual one is in the reference`);
  }
  if (!messages && !bytes) return {};
  return {
    outbox: {
      ...(messages ? { maxMessages: messages } : {}),
      ...(bytes ? { maxBytes: `${Math.max(1024, bytes)}B` } : {}),
      // As mosquitto does: what comes to a full queue is lost.
      whenFull: "drop-newest",
    },
  };
}

function toRules(settings: readonly Setting[], clear: boolean, notes: Notes): DraftRule[] {
  const rules: DraftRule[] = [];
  for (const setting of settings.filter(({ key }) => key === "topic")) {
    const left = (why: string): void => notes.error(setting, `this topic line is left out: ${why}`);
    const line = readTopic(setting);
    if (typeof line === "string") {
      left(line);
      continue;
    }
    const mapping = toMapping(line);
    if (typeof mapping === "string") {
      left(mapping);
      continue;
    }
    if (localFilter(mapping).startsWith("$SYS/")) {
      left("Weir has no $SYS topics on the local side");
      continue;
    }
    if (line.extra.length > 0)
      notes.note(setting, `topic: "${printable(line.extra.join(" "))}" behind the prefixes has no meaning`);
    const { direction, qos } = line;
    add(
      rules,
      {
        ...mapping,
        direction,
        qos,
        ...(clear && direction !== "in" ? { retain: "clear" as const } : {}),
        place: setting,
      },
      notes,
    );
  }
  for (const { place } of rules.slice(MOST.rules))
    notes.error(place, `this topic line is left out: a bridge has ${MOST.rules} rules at most`);
  return rules.slice(0, MOST.rules);
}

/** `out` and `in` of the same topics are one rule: two would be a loop. */
function add(rules: DraftRule[], rule: DraftRule, notes: Notes): void {
  const index = rules.findIndex(
    (other) =>
      other.filter === rule.filter &&
      other.localPrefix === rule.localPrefix &&
      other.remotePrefix === rule.remotePrefix,
  );
  const other = rules[index];
  if (other === undefined) {
    rules.push(rule);
    return;
  }
  const direction = other.direction === rule.direction ? rule.direction : "both";
  const qos = other.qos > rule.qos ? other.qos : rule.qos;
  const retain = other.retain ?? rule.retain;
  rules[index] = { ...other, direction, qos, ...(retain === undefined ? {} : { retain }) };
  notes.note(rule.place, `topic: the same topics as in line ${other.place.line}: one rule ${direction}, QoS ${qos}`);
}
