import { randomUUID } from "node:crypto";
import type { ConnackProperties, ConnectPacket, ProtocolVersion } from "../../protocols/mqtt/index.js";
import type { Identity, Verdict } from "../access/access.js";
import type { Core } from "../core.js";
import type { Limits } from "../limits.js";
import type { Publication } from "../publication.js";
import type { StoredWill } from "../store/store.js";
import type { Connection } from "./connection.js";
import { forwarded } from "./inbound.js";
import { type ConnectionTerms, termsOf } from "./terms.js";
import { topicFault } from "./topic-fault.js";

/** Why a client is not let in: the return codes of MQTT 3.1.1 (table 3.1), and the reason codes of MQTT 5. */
const REFUSALS = {
  client_id: { before5: 2, in5: 0x85 },
  bad_credentials: { before5: 4, in5: 0x86 },
  not_authorized: { before5: 5, in5: 0x87 },
  busy: { before5: 3, in5: 0x89 },
  quota: { before5: 3, in5: 0x97 },
  bad_method: { before5: 5, in5: 0x8c },
  will: { before5: 5, in5: 0x90 },
} as const;
type Refusal = keyof typeof REFUSALS;

/** Longest client id, in UTF-16 units: it is kept with the session and logged. */
const LONGEST_CLIENT_ID = 65_535;
const LOGGED = 80;

/** CONNECT: who is it, may it come in, and with which session. Answers with CONNACK, at once or later. */
export function admitClient(core: Core, connection: Connection, packet: ConnectPacket): void {
  const { version } = packet;
  connection.version = version;
  const refuse = (why: Refusal, detail: string): void => {
    const { address } = connection.peer;
    const id = packet.clientId.slice(0, LOGGED);
    core.journal({
      level: "warn",
      event: "client_refused",
      at: "broker",
      reason: why,
      message: `client ${JSON.stringify(id)} from ${address ?? "this machine"} was not let in: ${detail}`,
    });
    connection.refuse(version, REFUSALS[why][version === 5 ? "in5" : "before5"]);
  };

  const clientId = packet.clientId === "" ? assignedId(packet) : packet.clientId;
  if (clientId === undefined) return refuse("client_id", "it has no client id and wants a session that lasts");
  if (topicFault(clientId) !== undefined || clientId.length > LONGEST_CLIENT_ID)
    return refuse("client_id", "its client id has control characters in it, or is too long");
  if (packet.properties?.authenticationMethod !== undefined)
    return refuse(
      "bad_method",
      `there is no authentication method ${JSON.stringify(packet.properties.authenticationMethod)}`,
    );

  const { listener, local, address, proven } = connection.peer;
  const { username, password } = packet;
  const settle = (verdict: Verdict): void => {
    if (connection.gone) return;
    if (!verdict.ok) return refuse(verdict.reason, verdict.detail);
    letIn(core, connection, packet, verdict.identity, refuse);
  };
  const verdict = core.access.authenticate({ clientId, username, password, listener, local, address, proven });
  if (verdict instanceof Promise) void verdict.then(settle);
  else settle(verdict);
}

function letIn(
  core: Core,
  connection: Connection,
  packet: ConnectPacket,
  identity: Identity,
  refuse: (why: Refusal, detail: string) => void,
): void {
  const { sessions, limits } = core;
  const { clientId } = identity;
  const terms = termsOf(packet, limits);
  const before = sessions.get(clientId);
  if (before?.link !== undefined && before.identity.user !== identity.user)
    return refuse("client_id", "another user is connected with this client id");
  if (before === undefined && terms.expiry > 0 && sessions.size >= limits.sessions)
    return refuse("quota", `${limits.sessions} sessions are kept already`);
  const will = willOf(core, packet, identity);
  if (will === "forbidden") return refuse("will", "its will is for a topic that it may not publish to");
  const { session, present } = sessions.open(
    identity,
    { cleanStart: packet.cleanStart, expiry: terms.expiry, will },
    connection,
  );
  connection.letIn(session, terms);
  const properties = packet.version === 5 ? granted(terms, packet, limits, clientId) : undefined;
  const sessionPresent = present && packet.version !== 3;
  connection.write({
    kind: "connack",
    sessionPresent,
    reasonCode: 0,
    ...(properties === undefined ? {} : { properties }),
  });
  core.journal({
    level: "info",
    event: "client_connected",
    at: "broker",
    message: `client ${clientId} connected${describe(identity, connection.peer.address, packet.version)}`,
  });
  connection.begin();
}

const VERSIONS: Readonly<Record<ProtocolVersion, string>> = { 3: "3.1", 4: "3.1.1", 5: "5" };

function describe({ user }: Identity, address: string | undefined, version: ProtocolVersion): string {
  const from = address === undefined ? "" : ` from ${address}`;
  return `${user === undefined ? "" : ` as ${user}`}${from}, MQTT ${VERSIONS[version]}`;
}

/** A client without an id gets one where nothing depends on it (MQTT-3.1.3-7, -8; MQTT 5 MQTT-3.1.3-6); 3.1 knows no empty ones. */
function assignedId({ version, cleanStart }: ConnectPacket): string | undefined {
  if (version === 3 || (version === 4 && !cleanStart)) return undefined;
  return `auto-${randomUUID()}`;
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
    ...(limits.packetBytes < LARGEST_PACKET ? { maximumPacketSize: limits.packetBytes } : {}),
    ...(limits.receiveMaximum < 65_535 ? { receiveMaximum: limits.receiveMaximum } : {}),
  };
  return Object.keys(properties).length > 0 ? properties : undefined;
}

/** MQTT 2.2.3. */
const LARGEST_PACKET = 268_435_460;

function willOf(
  { access, limits }: Core,
  { will }: ConnectPacket,
  identity: Identity,
): StoredWill | "forbidden" | undefined {
  if (will === undefined) return undefined;
  const { topic, payload, qos, retain, properties } = will;
  if (
    topic.startsWith("$SYS/") ||
    topicFault(topic, limits.topicLevels) !== undefined ||
    !access.may(identity, "publish", topic)
  )
    return "forbidden";
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
