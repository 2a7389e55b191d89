/**
 * What a client does against the standard, judged at the server's end. Nobody is accused of what may be the network's doing:
 * an acknowledgement that was sent may not have arrived, one that was not sent cannot have. Contents are taken to differ
 * from message to message, as those of the harness do, save those that are retained.
 */
import {
  type Application,
  contentOf,
  type Exchange,
  type Session,
  sameMessage,
  type ViolationKind,
} from "./session.js";

export type Ack = "puback" | "pubrec" | "pubcomp";

/** What has passed on one connection. */
export interface Connection {
  readonly version: 4 | 5;
  /** What the CONNACK announced; Infinity where it announced nothing. */
  readonly receiveMaximum: number;
  /** Ids published here whose PUBACK or PUBCOMP was not sent yet. */
  readonly open: Set<number>;
  /** Acknowledgements that are decided and not sent yet, by id. */
  readonly unsent: Map<number, Ack>;
  readonly published: Set<number>;
  /** Topics with a message that came here for the first time ever. */
  readonly begun: Set<string>;
  /** Ids in the order in which their PUBRECs were sent here. */
  readonly received: Map<number, number>;
  readonly released: Set<number>;
  /** How far each row has come: redelivered PUBLISHes, PUBRELs sent again, PUBRELs for what was received here. */
  resent: number;
  rereleased: number;
  releasing: number;
  pubrecs: number;
}

export interface Finding {
  readonly kind: ViolationKind;
  readonly text: string;
}

export function newConnection(version: 4 | 5, receiveMaximum = Number.POSITIVE_INFINITY): Connection {
  return {
    version,
    receiveMaximum,
    open: new Set(),
    unsent: new Map(),
    published: new Set(),
    begun: new Set(),
    received: new Map(),
    released: new Set(),
    resent: -1,
    rereleased: -1,
    releasing: -1,
    pubrecs: 0,
  };
}

/** Call before the session changes. */
export function judgePublish(
  session: Session,
  connection: Connection,
  id: number,
  dup: boolean,
  message: Application,
): Finding[] {
  if (message.qos === 0) return [];
  const findings = judgeExchange(session, connection, id, dup, message);
  connection.open.add(id);
  connection.published.add(id);
  const { size } = connection.open;
  if (size > connection.receiveMaximum) {
    findings.push({
      kind: "receive_maximum",
      text: `${size} of ${connection.receiveMaximum} are unacknowledged (MQTT5-3.3.4-9)`,
    });
  }
  return findings.map(({ kind, text }) => ({
    kind,
    text: `PUBLISH ${id} ${message.topic} ${message.payload.slice(0, 40)}: ${text}`,
  }));
}

function judgeExchange(
  session: Session,
  connection: Connection,
  id: number,
  dup: boolean,
  message: Application,
): Finding[] {
  const waiting = session.awaiting.get(id);
  const known = waiting ?? session.done.get(id);
  const inUse = waiting !== undefined || connection.open.has(id);
  const same = known !== undefined && sameMessage(known.message, message);
  const here = connection.published.has(id);
  if (inUse && !same) {
    const text = `the id is in use for ${known?.message.payload.slice(0, 40) ?? "another"} (MQTT-2.3.1-4)`;
    return [{ kind: "id_reused", text }];
  }
  // A state that is said again under an id that is free is a new message.
  const again = same && (inUse || !here) && (inUse || dup || !message.retain);
  if (known === undefined || !again) return judgeNew(session, connection, id, dup, message);
  if (waiting === undefined && message.qos === 2) {
    return [{ kind: "publish_after_pubrel", text: "its PUBREL came already (MQTT-4.3.3-1)" }];
  }
  const findings: Finding[] = [];
  if (!dup) findings.push({ kind: "dup_missing", text: "sent again without DUP (MQTT-3.3.1-1)" });
  if (here && connection.version === 5) {
    findings.push({ kind: "resent_without_reconnect", text: "sent again on the same connection (MQTT5-4.4.0-1)" });
  }
  if (message.retain || here) return findings;
  if (known.order < connection.resent) {
    findings.push({ kind: "order", text: "redelivered after one that was first sent later (MQTT-4.6.0-1)" });
  } else if (connection.begun.has(message.topic)) {
    findings.push({ kind: "order", text: "redelivered after a new one of its topic (MQTT-4.6.0-6)" });
  }
  connection.resent = Math.max(connection.resent, known.order);
  return findings;
}

function judgeNew(session: Session, connection: Connection, id: number, dup: boolean, message: Application): Finding[] {
  const content = contentOf(message);
  const other = content === undefined ? undefined : session.contents.get(content);
  // With DUP it is one whose first copy was lost on the way.
  if (!dup) connection.begun.add(message.topic);
  if (other === undefined || other === id) return [];
  return [{ kind: "id_changed", text: `came under id ${other} before, and again under another (MQTT-4.4.0-1)` }];
}

/** Call before the session changes. */
export function judgePubrel(session: Session, connection: Connection, id: number): Finding[] {
  const findings: Finding[] = [];
  const find = (kind: ViolationKind, text: string): void => {
    findings.push({ kind, text: `PUBREL ${id}: ${text}` });
  };
  const waiting = session.awaiting.get(id);
  if (waiting === undefined) {
    const done = session.done.get(id);
    if (done?.message.qos !== 2) find("pubrel_unknown", "nothing was received under that id");
    else if (connection.released.has(id) && connection.version === 5) {
      find("resent_without_reconnect", "sent again (MQTT5 4.4)");
    }
  } else if (connection.unsent.get(id) === "pubrec") {
    find("pubrel_early", "its PUBREC was not sent yet");
  } else {
    findings.push(...judgeOrder(connection, id, waiting));
  }
  connection.released.add(id);
  return findings;
}

/** PUBRELs go in the order in which the PUBRECs came (MQTT-4.6.0-3); those of earlier connections in the order of old. */
function judgeOrder(connection: Connection, id: number, exchange: Exchange): Finding[] {
  const place = connection.received.get(id);
  const text = `PUBREL ${id}: overtaken by a later one (MQTT-4.6.0-3)`;
  if (place === undefined) {
    const late = exchange.order < connection.rereleased;
    connection.rereleased = Math.max(connection.rereleased, exchange.order);
    return late ? [{ kind: "order", text }] : [];
  }
  const late = place < connection.releasing;
  connection.releasing = Math.max(connection.releasing, place);
  return late ? [{ kind: "order", text }] : [];
}

/** An acknowledgement goes out. */
export function sent(connection: Connection, ack: Ack, id: number): void {
  if (connection.unsent.get(id) === ack) connection.unsent.delete(id);
  if (ack === "pubrec") connection.received.set(id, connection.pubrecs++);
  else connection.open.delete(id);
}
