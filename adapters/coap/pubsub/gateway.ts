import { WeirError } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import type { Qos } from "../../../src/core/message.js";
import { type CoapRequest, type CoapResponse, OPTION, uint } from "../../../src/protocols/coap/index.js";
import { type Channel, peerText } from "../posted/identity.js";
import { askedBlock } from "./block.js";
import { Clients, type ClientsContext } from "./clients.js";
import type { PubSubSettings } from "./config.js";
import { type Parameters, readParameters, topicOf } from "./parameters.js";
import { notSubscribed, RETRY_AFTER, Refused } from "./refused.js";
import type { Subscription } from "./subscription.js";

export interface PubSubContext extends ClientsContext {
  readonly settings: PubSubSettings;
  readonly journal: Journal;
  /** Bytes that a message may have. */
  readonly maxPayload: number;
  readonly channel: Channel;
}

const GET = "0.01";
const POST = "0.02";
const PUT = "0.03";
const DELETE = "0.04";

/** EMQX's publish/subscribe gateway: `/ps/{topic}` and `/mqtt/connection`. */
export class PubSubGateway {
  readonly #context: PubSubContext;
  readonly #clients: Clients;
  /** What is observed, by `placeOf`: whose notification was one block of several fetches the others. */
  readonly #observed = new Map<string, { readonly subscription: Subscription }>();

  constructor(context: PubSubContext) {
    this.#context = context;
    this.#clients = new Clients(context);
  }

  /** Clients that have a session. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Never rejects. */
  async answer(request: CoapRequest): Promise<CoapResponse> {
    try {
      this.#check();
      return await (request.path[0] === "ps" ? this.#pubsub(request) : this.#connection(request));
    } catch (thrown) {
      const refused = thrown instanceof Refused ? thrown : refusedBy(thrown);
      this.#tell(refused, request);
      return refused.response;
    }
  }

  /** Looks at what depends on time. To be called now and then. */
  sweep(): void {
    this.#clients.sweep();
  }

  close(): void {
    this.#clients.close();
  }

  #check(): void {
    const { secure, required } = this.#context.channel;
    if (required && !secure) throw new Refused("4.01", "this is taken over DTLS only", { reason: "unproven" });
  }

  async #connection(request: CoapRequest): Promise<CoapResponse> {
    const { path, method, query } = request;
    if (path.length !== 2 || path[1] !== "connection")
      throw new Refused("4.04", "there is only /mqtt/connection", { reason: "topic" });
    const parameters = readParameters(query);
    const { clientId } = parameters;
    switch (method) {
      case POST:
        if (clientId === undefined) throw new Refused("4.00", "clientid is missing", { reason: "query" });
        return { code: "2.01", payload: await this.#clients.connect(request, parameters, clientId) };
      case PUT:
        this.#clients.byToken(request, parameters).touch();
        return { code: "2.04" };
      case DELETE:
        // What is not there any more is as good as deleted (RFC 7252 5.8.4).
        if (clientId === undefined || this.#clients.isConnected(clientId))
          this.#clients.byToken(request, parameters).end();
        return { code: "2.02" };
      default:
        throw new Refused("4.05", "use POST to connect, PUT as heartbeat, DELETE to disconnect", { reason: "method" });
    }
  }

  #pubsub(request: CoapRequest): Promise<CoapResponse> | CoapResponse {
    const topic = topicOf(request.path);
    switch (request.method) {
      case GET:
        return this.#rest(request) ?? this.#get(request, topic);
      case POST:
        return this.#publish(request, topic, { code: "2.04" });
      case DELETE:
        return this.#publish({ ...request, payload: new Uint8Array(0) }, topic, { code: "2.02" });
      default:
        throw new Refused("4.05", "use POST to publish, GET to read or observe, or DELETE", { reason: "method" });
    }
  }

  async #publish(request: CoapRequest, topic: string, done: CoapResponse): Promise<CoapResponse> {
    const { settings, maxPayload } = this.#context;
    const { method, payload, confirmable } = request;
    const parameters = readParameters(request.query);
    if (payload.length > maxPayload) throw new TooLarge(maxPayload);
    const { client } = await this.#clients.of(request, parameters);
    const qos = parameters.qos ?? qosOf(settings.publishQos, confirmable);
    const retain = parameters.retain || method === DELETE;
    switch (await client.publish({ topic, payload, qos, retain, expiry: parameters.expiry })) {
      case "published":
        return done;
      case "forbidden":
        throw new Refused("4.03", "this client may not publish there");
      case "invalid":
        throw new Refused("4.00", "the path is no topic that can be published to", { reason: "topic" });
      case "too_large":
        throw new TooLarge();
      case "too_fast":
        throw new Refused("5.03", "this client publishes too fast", { reason: "too_fast", maxAge: 1 });
    }
  }

  async #get(request: CoapRequest, topic: string): Promise<CoapResponse> {
    const parameters = readParameters(request.query);
    if (request.observe === "register") return this.#observe(request, parameters, topic);
    const { client, party } = await this.#clients.of(request, parameters);
    if (request.observe === "deregister") {
      party?.unsubscribe(topic);
      return { code: "2.07" };
    }
    const found = client.retained(topic);
    if (found === "forbidden") throw new Refused("4.03", "this client may not read that");
    if (found === "invalid")
      throw new Refused("4.00", "the path is no topic; a filter can be observed", { reason: "topic" });
    if (found === undefined) throw new Refused("4.04", "there is no retained message");
    return { code: "2.05", payload: found.payload };
  }

  /** The answer is empty, as EMQX's: what was retained comes as a notification, as all others. */
  async #observe(request: CoapRequest, parameters: Parameters, filter: string): Promise<CoapResponse> {
    const { confirmable, token } = request;
    // As with EMQX: notifications of it could not be told from others (RFC 7641 3.1).
    if (token.length === 0) throw new Refused("4.00", "observing takes a token in the message", { reason: "query" });
    const { client, party: known } = await this.#clients.of(request, parameters);
    const refused = client.refusal(filter);
    if (refused !== undefined) throw notSubscribed(refused);
    const party = known ?? (await this.#clients.open(request, client));
    party.touch();
    const { noLocal, retainHandling } = parameters;
    const qos = parameters.qos ?? qosOf(this.#context.settings.subscribeQos, confirmable);
    const wanted = { filter, qos, noLocal, retainHandling };
    const key = placeOf(request);
    return {
      code: "2.05",
      // Not before there is an observer: where there is no room for one, nothing is subscribed to either.
      observe: (observer) => {
        const subscription = party.subscription(filter);
        const entry = { subscription };
        this.#observed.set(key, entry);
        const end = subscription.observe(observer, wanted);
        return () => {
          end();
          // Unless it is observed again from there.
          if (this.#observed.get(key) === entry) this.#observed.delete(key);
        };
      },
    };
  }

  /**
   * A later block of a message that was sent as a notification (RFC 7959 2.6): with the options of the request that observes it, and so
   * with what its client says of itself there. Behind a proxy all clients are one peer.
   */
  #rest(request: CoapRequest): CoapResponse | undefined {
    const block = askedBlock(request);
    if (block === undefined || block.start === 0 || request.observe !== undefined) return undefined;
    const transfer = this.#observed.get(placeOf(request))?.subscription.transfer;
    if (transfer === undefined) return undefined;
    transfer.fetched(block.start, block.size);
    return { code: "2.05", payload: transfer.body };
  }

  /** What the broker has not told of yet. */
  #tell({ code, reason, message }: Refused, { peer }: CoapRequest): void {
    if (reason === undefined) return;
    const { journal, at } = this.#context;
    const text = `${code} to ${peerText(peer)}: ${message}`;
    journal({ level: "warn", event: "coap_refused", at, message: text, reason });
  }
}

class TooLarge extends Refused {
  readonly #most: number | undefined;

  /** Bytes, where that is known. */
  constructor(most?: number) {
    super("4.13", "the message is too large", { reason: "too_large" });
    this.#most = most;
  }

  override get response(): CoapResponse {
    const { code, message } = this;
    return { code, payload: message, options: this.#most === undefined ? [] : [uint(OPTION.size1, this.#most)] };
  }
}

/** The same for those requests of one peer that are for the same of the same client. */
function placeOf({ peer, path, query }: CoapRequest): string {
  return JSON.stringify([peer.id, path, query]);
}

function qosOf(setting: Qos | "coap", confirmable: boolean): Qos {
  if (setting !== "coap") return setting;
  return confirmable ? 1 : 0;
}

const LATER: ReadonlySet<string> = new Set(["OUTBOX_FULL", "OUTBOX_UNAVAILABLE", "STORE_UNAVAILABLE", "CLOSED"]);

/** Without telling a stranger what goes on in here: the broker has told of it. */
function refusedBy(thrown: unknown): Refused {
  if (thrown instanceof WeirError && LATER.has(thrown.code))
    return new Refused("5.03", "there is no room at the moment", { maxAge: RETRY_AFTER });
  return new Refused("5.00", "it could not be taken", { reason: "failed" });
}
