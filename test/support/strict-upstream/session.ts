/**
 * What a server keeps of a client's session on the way in (MQTT 3.1.1 and 5, 4.1), changed only by the entries of the ledger:
 * read again from the file, they make the same session. Beyond what the standard asks for it remembers exchanges that are
 * complete at this end, whose acknowledgement may have been lost: only with them can a redelivery be judged.
 */
export interface Application {
  readonly topic: string;
  /** Bytes as latin1, so that a line of JSON holds any of them. */
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** When the server takes ownership of a QoS 2 message (MQTT 3.1.1, figure 4.3): A at PUBREL, B at PUBLISH. */
export type Method = "A" | "B";

export const VIOLATIONS = [
  "not_connect_first",
  "connect_twice",
  "malformed",
  "dup_missing",
  "id_reused",
  "id_changed",
  "resent_without_reconnect",
  "publish_after_pubrel",
  "pubrel_unknown",
  "pubrel_early",
  "receive_maximum",
  "topic_alias",
  "order",
] as const;
export type ViolationKind = (typeof VIOLATIONS)[number];

/** A line of the ledger. `owned`: what the server takes ownership of with it, and would hand to subscribers. */
export type Entry =
  | { readonly at: "session"; readonly client: string }
  | { readonly at: "end"; readonly client: string }
  | {
      readonly at: "publish";
      readonly client: string;
      readonly id: number;
      readonly message: Application;
      readonly owned?: Application;
    }
  | { readonly at: "release"; readonly client: string; readonly id: number; readonly owned?: Application }
  | { readonly at: "violation"; readonly client: string; readonly kind: ViolationKind; readonly text: string };

export interface Exchange {
  readonly message: Application;
  /** Where it stands among all messages that were received in the session for the first time. */
  readonly order: number;
}

export interface Session {
  /** QoS 2 messages received and not yet released. */
  readonly awaiting: Map<number, Exchange>;
  /** Complete at this end: QoS 1 received, QoS 2 released. */
  readonly done: Map<number, Exchange>;
  /** The packet id under which a content last came. */
  readonly contents: Map<string, number>;
  received: number;
}

export function newSession(): Session {
  return { awaiting: new Map(), done: new Map(), contents: new Map(), received: 0 };
}

/** A name for a message's content. States that are retained are repeated in good faith: they have none. */
export function contentOf(message: Application): string | undefined {
  return message.retain ? undefined : `${message.qos}\n${message.topic}\n${message.payload}`;
}

export function sameMessage(a: Application, b: Application): boolean {
  return a.topic === b.topic && a.payload === b.payload && a.qos === b.qos && a.retain === b.retain;
}

/** The change that a PUBLISH or a release makes. */
export function apply(session: Session, entry: Entry): void {
  if (entry.at === "publish" && entry.message.qos > 0) {
    const { id, message } = entry;
    const before = session.done.get(id);
    forget(session, id, before);
    // Received again it keeps its place: it is still the message that was sent then.
    const again = before !== undefined && contentOf(message) !== undefined && sameMessage(before.message, message);
    const exchange = again ? before : { message, order: session.received++ };
    if (message.qos === 1) session.done.set(id, exchange);
    else session.awaiting.set(id, exchange);
    const content = contentOf(message);
    if (content !== undefined) session.contents.set(content, id);
  }
  if (entry.at === "release") {
    const exchange = session.awaiting.get(entry.id);
    if (exchange === undefined) return;
    session.awaiting.delete(entry.id);
    session.done.set(entry.id, exchange);
  }
}

function forget(session: Session, id: number, exchange: Exchange | undefined): void {
  if (exchange === undefined) return;
  session.done.delete(id);
  const content = contentOf(exchange.message);
  if (content !== undefined && session.contents.get(content) === id) session.contents.delete(content);
}

/** The entry for a PUBLISH; undefined for one that was stored already (MQTT-4.3.3-2). */
export function onPublish(
  session: Session,
  client: string,
  id: number,
  message: Application,
  method: Method,
): Entry | undefined {
  if (message.qos === 2 && session.awaiting.has(id)) return undefined;
  const later = message.qos === 2 && method === "A";
  return { at: "publish", client, id, message, ...(later ? {} : { owned: message }) };
}

/** The entry for a PUBREL; undefined where there is nothing to release. */
export function onRelease(session: Session, client: string, id: number, method: Method): Entry | undefined {
  const exchange = session.awaiting.get(id);
  if (exchange === undefined) return undefined;
  return { at: "release", client, id, ...(method === "A" ? { owned: exchange.message } : {}) };
}
