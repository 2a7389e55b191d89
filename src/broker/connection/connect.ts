import { randomUUID } from "node:crypto";
import { messageOf } from "../../core/errors.js";
import {
  type ConnackProperties,
  type ConnectPacket,
  MqttError,
  type Packet,
  PacketWriter,
  type ProtocolVersion,
} from "../../protocols/mqtt/index.js";
import type { Identity, Verdict } from "../access/access.js";
import type { Core } from "../core.js";
import type { Limits } from "../limits.js";
import type { Publication } from "../publication.js";
import type { StoredWill } from "../store/store.js";
import type { Client } from "./client.js";
import { forwarded } from "./inbound.js";
import { type ConnectionTerms, termsOf } from "./terms.js";
import { topicFault } from "./topic-fault.js";

/** Why a client is not let in: the return codes of MQTT 3.1.1 (table 3.1), and the reason codes of MQTT 5. */
const REFUSALS = {
  client_id: { before5: 2, in5: 0x85 },
  bad_credentials: { before5: 4, in5: 0x86 },
  not_authorized: { before5: 5, in5: 0x87 },
  busy: { before5: 3, in5: 0x89 },
  unavailable: { before5: 3, in5: 0x88 },
  quota: { before5: 3, in5: 0x97 },
  bad_method: { before5: 5, in5: 0x8c },
  will: { before5: 5, in5: 0x90 },
} as const;
type Refusal = keyof typeof REFUSALS;

/** Of a client id, in the log. */
const LOGGED = 80;

/** Why a client is not let in, and what the log says of it. */
class Refused {
  readonly why: Refusal;
  readonly detail: string;

  constructor(why: Refusal, detail: string) {
    this.why = why;
    this.detail = detail;
  }
}

/** CONNECT: who is it, may it come in, and with which session. Answers with CONNACK, at once or later. */
export function admitClient(core: Core, client: Client, packet: ConnectPacket): void {
  const settle = (verdict: Verdict | Refused): void => {
    if (client.gone) return;
    const fetched = verdict instanceof Refused || !verdict.ok ? undefined : core.fetch(verdict.identity);
    if (fetched === undefined) {
      conclude(verdict);
      return;
    }
    fetched.then(
      () => conclude(verdict),
      (error: unknown) => conclude(new Refused("unavailable", messageOf(error))),
    );
  };
  const conclude = (verdict: Verdict | Refused): void => {
    if (client.gone) return;
    try {
      const refused = verdict instanceof Refused ? verdict : letIn(core, client, packet, verdict);
      if (refused !== undefined) refuse(core, client, packet, refused);
    } catch (error) {
      client.fail(error);
    }
  };
  const fault = textFault(packet, core.limits);
  if (fault !== undefined) throw new MqttError("MALFORMED", fault);
  const clientId = clientIdOf(packet);
  if (clientId instanceof Refused) {
    settle(clientId);
    return;
  }
  const { listener, local, address, proven } = client.peer;
  const { username, password } = packet;
  const verdict = core.access.authenticate({ clientId, username, password, listener, local, address, proven });
  if (verdict instanceof Promise) void verdict.then(settle);
  else settle(verdict);
}

function refuse(
  { journal }: Core,
  client: Client,
  { clientId, version }: ConnectPacket,
  { why, detail }: Refused,
): void {
  const who = `client ${JSON.stringify(clientId.slice(0, LOGGED))} from ${client.peer.address ?? "this machine"}`;
  const message = `${who} was not let in: ${detail}`;
  journal({ level: "warn", event: "client_refused", at: "broker", reason: why, message });
  client.refuse(version, REFUSALS[why][version === 5 ? "in5" : "before5"]);
}

function letIn(core: Core, client: Client, packet: ConnectPacket, verdict: Verdict): Refused | undefined {
  if (!verdict.ok) return new Refused(verdict.reason, verdict.detail);
  const { sessions, limits } = core;
  const { identity } = verdict;
  const { clientId } = identity;
  const terms = termsOf(packet, limits);
  const before = sessions.get(clientId);
  if (before?.link !== undefined && before.identity.user !== identity.user)
    return new Refused("client_id", "another user is connected with this client id");
  if (before === undefined && terms.expiry > 0 && sessions.kept >= limits.sessions)
    return new Refused("quota", `${limits.sessions} sessions are kept already`);
  const will = willOf(core, packet, identity);
  if (will === "forbidden") return new Refused("will", "its will is for a topic that it may not publish to");
  const properties = packet.version === 5 ? granted(terms, packet, limits, clientId) : undefined;
  const connack = { kind: "connack", reasonCode: 0, ...(properties === undefined ? {} : { properties }) } as const;
  if (terms.maxPacketBytes !== undefined && sizeOf({ ...connack, sessionPresent: false }) > terms.maxPacketBytes) {
    // There is nothing that it could be told (MQTT-3.1.2-24).
    client.end("refused");
    return undefined;
  }
  const { cleanStart } = packet;
  const { session, present } = sessions.open(identity, { cleanStart, expiry: terms.expiry, will }, client);
  client.letIn(session, terms);
  core.stats.connections++;
  core.stats.clientsMaximum = Math.max(core.stats.clientsMaximum, sessions.size - sessions.away);
  client.write({ ...connack, sessionPresent: present && packet.version !== 3 });
  const message = `client ${clientId} connected${describe(identity, client.peer.address, packet.version)}`;
  core.journal({ level: "info", event: "client_connected", at: "broker", message });
  client.begin();
  return undefined;
}

/** Of the whole packet, in MQTT 5. */
function sizeOf(packet: Packet): number {
  const writer = new PacketWriter(5);
  writer.write(packet);
  return writer.length;
}

const VERSIONS: Readonly<Record<ProtocolVersion, string>> = { 3: "3.1", 4: "3.1.1", 5: "5" };

function describe({ user }: Identity, address: string | undefined, version: ProtocolVersion): string {
  const from = address === undefined ? "" : ` from ${address}`;
  return `${user === undefined ? "" : ` as ${user}`}${from}, MQTT ${VERSIONS[version]}`;
}

/** A client without an id gets one where nothing depends on it (MQTT-3.1.3-7, -8; MQTT 5 MQTT-3.1.3-6); 3.1 knows no empty ones. */
function clientIdOf({ clientId, version, cleanStart, properties }: ConnectPacket): string | Refused {
  const method = properties?.authenticationMethod;
  if (method !== undefined)
    return new Refused("bad_method", `there is no authentication method ${JSON.stringify(method)}`);
  if (clientId === "") {
    return version === 3 || (version === 4 && !cleanStart)
      ? new Refused("client_id", "it has no client id and wants a session that lasts")
      : `auto-${randomUUID()}`;
  }
  return clientId;
}

/** What is in it that is kept, logged or carried on. */
function textFault({ clientId, username = "", will }: ConnectPacket, { topicLevels }: Limits): string | undefined {
  return topicFault(clientId) ?? topicFault(username) ?? (will && topicFault(will.topic, topicLevels));
}

/** Only what is not as the client would take it without being told. */
function granted(
  terms: ConnectionTerms,
  packet: ConnectPacket,
  limits: Limits,
  clientId: string,
): ConnackProperties | undefined {
  const asked = packet.properties?.sessionExpiryInterval ?? 0;
  const properties: ConnackProperties = {
    ...(terms.expiry === asked ? {} : { sessionExpiryInterval: terms.expiry }),
    ...(terms.keepAlive === packet.keepAlive ? {} : { serverKeepAlive: terms.keepAlive }),
    ...(limits.topicAliases > 0 ? { topicAliasMaximum: limits.topicAliases } : {}),
    ...(packet.clientId === "" ? { assignedClientIdentifier: clientId } : {}),
    ...(limits.packetSize < LARGEST_PACKET ? { maximumPacketSize: limits.packetSize } : {}),
    ...(limits.receiveMaximum < 65_535 ? { receiveMaximum: limits.receiveMaximum } : {}),
  };
  return Object.keys(properties).length > 0 ? properties : undefined;
}

/** In bytes: from here on it is as good as no bound (MQTT 2.2.3). */
const LARGEST_PACKET = 2 ** 28;

function willOf({ access }: Core, { will }: ConnectPacket, identity: Identity): StoredWill | "forbidden" | undefined {
  if (will === undefined) return undefined;
  const { topic, payload, qos, retain, properties } = will;
  if (topic.startsWith("$SYS/") || !access.may(identity, "publish", topic)) return "forbidden";
  const { willDelayInterval, messageExpiryInterval, ...rest } = properties ?? {};
  const publication: Publication = {
    topic,
    payload: new Uint8Array(payload),
    qos,
    retain,
    clientId: identity.clientId,
    properties: forwarded(rest),
    // Counted from when it is published, see `publishWill` in broker.ts.
    messageExpiry: messageExpiryInterval === undefined ? undefined : messageExpiryInterval * 1000,
  };
  return { publication, delay: willDelayInterval ?? 0 };
}
