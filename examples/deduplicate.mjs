// A consumer that sees each message once, behind an upstream that may deliver it twice: `messageId: property` or `field` in
// the bridge's configuration gives each message an id that stays the same however often it is sent.
//
//   node examples/deduplicate.mjs mqtt://upstream.example:1883 'weir/#'
//
// The id is `gateway:epoch:sequence`. Sequences of one gateway and epoch rise by one, so that a set of what came lately is
// enough: what comes twice comes within the bridge's window. The set here is in memory; a consumer that must not process
// twice across its own restart stores the id together with what it does (one transaction), and asks its store instead.
import { argv, exit, stdout } from "node:process";
import { connect } from "mqtt";

/** More than any window. */
const REMEMBERED = 100_000;

/** Whether an id was not seen before. */
export function createDeduplicator(limit = REMEMBERED) {
  /** @type {Set<string>} */
  const seen = new Set();
  return (/** @type {string} */ id) => {
    if (seen.has(id)) return false;
    seen.add(id);
    for (const oldest of seen) {
      if (seen.size <= limit) break;
      seen.delete(oldest);
    }
    return true;
  };
}

/**
 * The id of a message, from its user property (MQTT 5) or the field of its JSON payload; undefined where it has none.
 *
 * @param {Uint8Array} payload
 * @param {{ properties?: { userProperties?: Record<string, string | string[]> } }} packet
 */
export function messageId(payload, packet) {
  const property = packet.properties?.userProperties?.["weir-id"];
  if (typeof property === "string") return property;
  try {
    const id = JSON.parse(Buffer.from(payload).toString())?.weirId;
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.filename === argv[1]) {
  const [url, filter] = argv.slice(2);
  if (url === undefined || filter === undefined) {
    stdout.write("node examples/deduplicate.mjs URL FILTER\n");
    exit(2);
  }
  const isNew = createDeduplicator();
  const client = connect(url, { protocolVersion: url.includes("?v=4") ? 4 : 5, clean: false, clientId: "deduplicate" });
  client.on("connect", () => client.subscribe(filter, { qos: 1 }));
  client.on("message", (topic, payload, packet) => {
    const id = messageId(payload, packet);
    if (id === undefined || isNew(id)) stdout.write(`${topic} ${payload}\n`);
  });
}
