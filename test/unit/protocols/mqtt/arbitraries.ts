import fc from "fast-check";
import type { AckKind, Packet, ProtocolVersion, PublishFields } from "../../../../src/protocols/mqtt/index.js";

/** Any packet of a version that the standard allows. */

type Fields = Readonly<Record<string, unknown>>;

const uint16 = fc.integer({ min: 0, max: 0xffff });
const positive16 = fc.integer({ min: 1, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const positive32 = fc.integer({ min: 1, max: 0xffff_ffff });
const varint = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 268_435_455 }));
const bytes = fc.uint8Array({ maxLength: 40 });
export const text = fc
  .oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: "grapheme", maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 20 }),
    // A byte order mark, the replacement character, and where ASCII and two bytes end.
    fc.constantFrom("\ufeffbom \ufffd", "\x7f", "\x80", "\u07ff\u0800"),
  )
  .map((any) => any.replaceAll("\0", "0"));
const topic = text.map((any) => any.replace(/[#+]/g, "/") || "a");
const filter = fc.oneof(
  topic.map((any) => (any.startsWith("$share/") ? "a" : any)),
  fc.constantFrom("#", "+", "/", "+/#", "a/+/b/#", "/+", "é/+//", "$SYS/#"),
);
const shared = fc.constantFrom("$share/group/#", "$share/g/a/+", "$share/g//");

const pairs = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 });
const application = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: topic,
  correlationData: bytes,
  userProperties: pairs,
};
const limits = {
  sessionExpiryInterval: uint32,
  receiveMaximum: positive16,
  topicAliasMaximum: uint16,
  maximumPacketSize: positive32,
};
const authentication = { authenticationMethod: text, authenticationData: bytes };
const reason = { reasonString: text, userProperties: pairs };

/** All of the fields, or any of them; with the prototype that other objects have. */
function fieldsOf(fields: Record<string, fc.Arbitrary<unknown>>, required?: never[]): fc.Arbitrary<Fields> {
  const some = required === undefined ? {} : { requiredKeys: required };
  return fc.record(fields, { ...some, noNullPrototype: true });
}

/** Some of the properties, or none, which then are not there; never in MQTT 3. */
function section(version: ProtocolVersion, fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Fields> {
  if (version !== 5) return fc.constant({});
  return fieldsOf(fields, []).map((some: Fields) => {
    const { authenticationData, ...others } = some;
    const properties =
      authenticationData === undefined || others["authenticationMethod"] === undefined ? others : { ...some };
    return Object.keys(properties).length === 0 ? {} : { properties };
  });
}

/** Objects put together from their parts: the casts below say what the parts come to. */
function joined(...parts: fc.Arbitrary<Fields>[]): fc.Arbitrary<Fields> {
  return fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Fields);
}

const RECEIVED = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const RELEASED = [0, 0x92];

function connect(version: ProtocolVersion): fc.Arbitrary<Fields> {
  const will = joined(
    fieldsOf({ topic, payload: bytes, qos: fc.constantFrom(0, 1, 2), retain: fc.boolean() }),
    section(version, { ...application, willDelayInterval: uint32 }),
  );
  const optional = fieldsOf({ will, username: text, password: bytes }, []).map((some: Fields) =>
    version !== 5 && some["username"] === undefined ? without(some, "password") : some,
  );
  const flags = { requestProblemInformation: fc.boolean(), requestResponseInformation: fc.boolean() };
  return joined(
    fieldsOf({
      kind: fc.constant("connect"),
      version: fc.constant(version),
      cleanStart: fc.boolean(),
      keepAlive: uint16,
      clientId: text,
    }),
    optional,
    section(version, { ...limits, ...authentication, ...flags, userProperties: pairs }),
  );
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([own]) => own !== name));
}

function connack(version: ProtocolVersion): fc.Arbitrary<Fields> {
  const refused = version === 5 ? [0x80, 0x85, 0x87, 0x95, 0x9f] : [1, 2, 3, 4, 5];
  const head = fc.oneof(
    fieldsOf({ sessionPresent: version === 3 ? fc.constant(false) : fc.boolean(), reasonCode: fc.constant(0) }),
    fieldsOf({ sessionPresent: fc.constant(false), reasonCode: fc.constantFrom(...refused) }),
  );
  return joined(
    fc.constant({ kind: "connack" }),
    head,
    section(version, {
      ...limits,
      ...authentication,
      ...reason,
      assignedClientIdentifier: text,
      serverKeepAlive: uint16,
      responseInformation: text,
      serverReference: text,
      maximumQos: fc.constantFrom(0, 1),
      retainAvailable: fc.boolean(),
      wildcardSubscriptionAvailable: fc.boolean(),
      subscriptionIdentifierAvailable: fc.boolean(),
      sharedSubscriptionAvailable: fc.boolean(),
    }),
  );
}

export function publish(version: ProtocolVersion): fc.Arbitrary<PublishFields & { readonly kind: "publish" }> {
  const payload = fc.uint8Array({ maxLength: 300 });
  const delivery = fc.oneof(
    fc.constant({ qos: 0, dup: false }),
    fieldsOf({ qos: fc.constantFrom(1, 2), dup: fc.boolean(), packetId: positive16 }),
  );
  const properties = section(version, {
    ...application,
    topicAlias: positive16,
    subscriptionIdentifiers: fc.array(varint, { minLength: 1, maxLength: 3 }),
  });
  return joined(fieldsOf({ kind: fc.constant("publish"), topic, payload, retain: fc.boolean() }), delivery, properties)
    .chain((fields) =>
      // With an alias the topic may be left out.
      Object.hasOwn((fields["properties"] as object | undefined) ?? {}, "topicAlias")
        ? fc.constantFrom(fields, { ...fields, topic: "" })
        : fc.constant(fields),
    )
    .map((fields) => fields as unknown as PublishFields & { readonly kind: "publish" });
}

export function ack(version: ProtocolVersion, kind: AckKind): fc.Arbitrary<Fields> {
  const codes = kind === "puback" || kind === "pubrec" ? RECEIVED : RELEASED;
  const reasonCode = version === 5 ? fc.constantFrom(...codes) : fc.constant(0);
  return joined(fieldsOf({ kind: fc.constant(kind), packetId: positive16, reasonCode }), section(version, reason));
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<Fields> {
  const qos = fc.constantFrom(0, 1, 2);
  const plain = { noLocal: fc.constant(false), retainAsPublished: fc.constant(false), retainHandling: fc.constant(0) };
  const options = {
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
  };
  const one =
    version === 5
      ? fc.oneof(
          fieldsOf({ filter, qos, ...options }),
          fieldsOf({ filter: shared, qos, ...options, noLocal: fc.constant(false) }),
        )
      : fieldsOf({ filter, qos, ...plain });
  return joined(
    fieldsOf({
      kind: fc.constant("subscribe"),
      packetId: positive16,
      subscriptions: fc.array(one, { minLength: 1, maxLength: 5 }),
    }),
    section(version, { subscriptionIdentifier: varint, userProperties: pairs }),
  );
}

function granted(version: ProtocolVersion, kind: "suback" | "unsuback"): fc.Arbitrary<Fields> {
  const codes = kind === "unsuback" ? [0, 0x11, 0x80, 0x87] : version === 5 ? [0, 1, 2, 0x80, 0xa2] : [0, 1, 2, 0x80];
  const none = kind === "unsuback" && version !== 5;
  const reasonCodes = none ? fc.constant([]) : fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 5 });
  return joined(fieldsOf({ kind: fc.constant(kind), packetId: positive16, reasonCodes }), section(version, reason));
}

function unsubscribe(version: ProtocolVersion): fc.Arbitrary<Fields> {
  return joined(
    fieldsOf({
      kind: fc.constant("unsubscribe"),
      packetId: positive16,
      filters: fc.array(filter, { minLength: 1, maxLength: 5 }),
    }),
    section(version, { userProperties: pairs }),
  );
}

function disconnect(version: ProtocolVersion): fc.Arbitrary<Fields> {
  const reasonCode = version === 5 ? fc.constantFrom(0, 4, 0x81, 0x8e, 0xa2) : fc.constant(0);
  return joined(
    fieldsOf({ kind: fc.constant("disconnect"), reasonCode }),
    section(version, { ...reason, sessionExpiryInterval: uint32, serverReference: text }),
  );
}

function auth(version: ProtocolVersion): fc.Arbitrary<Fields> {
  return joined(
    fieldsOf({ kind: fc.constant("auth"), reasonCode: fc.constantFrom(0, 0x18, 0x19) }),
    section(version, { ...reason, ...authentication }),
  );
}

/** By kind: each that the version has. */
export function packetsOf(version: ProtocolVersion): ReadonlyMap<Packet["kind"], fc.Arbitrary<Packet>> {
  const all: [Packet["kind"], fc.Arbitrary<unknown>][] = [
    ["connect", connect(version)],
    ["connack", connack(version)],
    ["publish", publish(version)],
    ["puback", ack(version, "puback")],
    ["pubrec", ack(version, "pubrec")],
    ["pubrel", ack(version, "pubrel")],
    ["pubcomp", ack(version, "pubcomp")],
    ["subscribe", subscribe(version)],
    ["suback", granted(version, "suback")],
    ["unsubscribe", unsubscribe(version)],
    ["unsuback", granted(version, "unsuback")],
    ["pingreq", fc.constant({ kind: "pingreq" })],
    ["pingresp", fc.constant({ kind: "pingresp" })],
    ["disconnect", disconnect(version)],
  ];
  if (version === 5) all.push(["auth", auth(version)]);
  return new Map(all.map(([kind, arbitrary]) => [kind, arbitrary as fc.Arbitrary<Packet>]));
}

export function packetOf(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.oneof(...packetsOf(version).values());
}
