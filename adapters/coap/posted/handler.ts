import { messageOf, WeirError } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import type { ReadingSink } from "../../../src/core/reading.js";
import { FormError, readForm } from "../../../src/profile/index.js";
import {
  CONTENT_FORMAT,
  type CoapHandler,
  type CoapRequest,
  type CoapResponse,
  filterLinks,
  formatLinks,
  OPTION,
  uint,
} from "../../../src/protocols/coap/index.js";
import { type Channel, checkSpeaker, maySpeakFor, peerText } from "./identity.js";
import { resourceOf } from "./names.js";
import { maxValues, readingsOf } from "./readings.js";
import { Refusal, refusalOfForm } from "./refusal.js";
import type { Targets } from "./targets.js";

export interface HandlerContext {
  readonly sink: ReadingSink;
  readonly journal: Journal;
  /** ms since the Unix epoch. */
  readonly now: () => number;
  /** The link, for the journal. */
  readonly at: string;
  readonly targets: Targets;
  /** Bytes. */
  readonly maxPayload: number;
  readonly channel: Channel;
}

/** When there is no room, devices should come back after so many seconds (RFC 7252 5.9.3.4). */
const RETRY_AFTER = 30;
const POST = "0.02";
const PUT = "0.03";
const GET = "0.01";

/** Takes readings, and answers 2.04 only after the sink has taken them. Never rejects. */
export function createHandler(context: HandlerContext): CoapHandler {
  return async (request) => {
    try {
      return isDiscovery(request) ? discovery(request, context) : await take(request, context);
    } catch (thrown) {
      const { code, reason, device, message, cause } = thrown instanceof Refusal ? thrown : refusalOf(thrown);
      const why = cause === undefined ? message : `${message}: ${messageOf(cause)}`;
      context.journal({
        level: "warn",
        event: "coap_refused",
        at: device ?? context.at,
        message: `${code} to ${peerText(request.peer)}: ${why}`,
        reason,
      });
      return { code, payload: message, ...(code === "5.03" ? { options: [uint(OPTION.maxAge, RETRY_AFTER)] } : {}) };
    }
  };
}

async function take(request: CoapRequest, context: HandlerContext): Promise<CoapResponse> {
  if (request.method !== POST && request.method !== PUT) {
    throw new Refusal("4.05", "method", "readings are posted here: use POST or PUT");
  }
  const target = context.targets.find(request.path);
  const { device } = target;
  try {
    checkSpeaker(request.peer, device, context.channel);
    const now = context.now();
    const posted = readForm(request.contentFormat, request.payload, {
      resource: target.resource,
      nameOf: (record) => resourceOf(record, target, context.targets),
      now,
      maxBytes: context.maxPayload,
      maxValues: maxValues(device),
    });
    await context.sink(readingsOf(device, posted, now));
    return { code: "2.04" };
  } catch (thrown) {
    const refusal = thrown instanceof Refusal ? thrown : refusalOf(thrown);
    refusal.device = device.id;
    throw refusal;
  }
}

/** What the sink rejected with, without telling a stranger what goes on in here. */
function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof FormError) return refusalOfForm(thrown);
  switch (thrown instanceof WeirError ? thrown.code : undefined) {
    case "OUTBOX_FULL":
      return new Refusal("5.03", "outbox_full", "there is no room for readings at the moment", thrown);
    case "CLOSED":
      return new Refusal("5.03", "stopping", "the gateway is stopping", thrown);
    case "RESOURCE_UNKNOWN":
      // More names than a device may have: sent again, it would be refused again, for ever.
      return new Refusal("4.04", "unknown_resource", "the device cannot have one of these resources", thrown);
    default:
      return new Refusal("5.00", "failed", "the readings could not be stored", thrown);
  }
}

function isDiscovery({ path }: CoapRequest): boolean {
  return path.length === 2 && path[0] === ".well-known" && path[1] === "core";
}

/** RFC 7252 7.2, RFC 6690: the devices that the sender may speak for. */
function discovery(request: CoapRequest, { targets, channel }: HandlerContext): CoapResponse {
  if (request.method !== GET) throw new Refusal("4.05", "method", "/.well-known/core can only be read: use GET");
  if (request.accept !== undefined && request.accept !== CONTENT_FORMAT.linkFormat) {
    throw new Refusal("4.06", "accept", "/.well-known/core is there in link format (40) only");
  }
  const own = targets.links((device) => maySpeakFor(request.peer, device, channel));
  const payload = formatLinks(filterLinks(own, request.query));
  return { code: "2.05", options: [uint(OPTION.contentFormat, CONTENT_FORMAT.linkFormat)], payload };
}
