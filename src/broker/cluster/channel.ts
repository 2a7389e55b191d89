import { type Publication, weightOf } from "../publication.js";
import { plain, publicationFrom } from "./codec.js";
import type { Outstanding } from "./outstanding.js";
import type { Redis } from "./redis.js";

/** A message as it comes from Redis. */
export interface Heard {
  /** Where it was published. */
  readonly node: string;
  readonly publication: Publication;
  /** The clients whose queues have it. */
  readonly holders: readonly string[];
}

export interface ChannelOptions {
  readonly node: string;
  readonly redis: Redis;
  readonly outstanding: Outstanding;
  readonly hear: (heard: Heard) => void;
  /** A message of QoS 0 was not sent: Redis is away. */
  readonly dropped: () => void;
}

/** Bytes of QoS 0 messages that Redis has not taken. */
const MOST = 16 * 1024 * 1024;

/** What all nodes hear: aedes' emitter over Redis, with topics of its own so that nothing else in that Redis is heard. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #prefix: string;
  /** Of QoS 0 messages on their way to Redis. */
  #bytes = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
    // Redis has one name space of channels for all its databases.
    this.#prefix = `weir${options.redis.address.database}/`;
  }

  open(): Promise<void> {
    const { redis, hear } = this.#options;
    return new Promise((resolve) => {
      redis.emitter.on(
        `${this.#prefix}#`,
        (message, done) => {
          const { node, packet, holders } = message;
          const publication = publicationFrom(packet);
          if (publication !== undefined && typeof node === "string")
            hear({ node, publication, holders: Array.isArray(holders) ? holders : [] });
          done();
        },
        resolve,
      );
    });
  }

  /** Once this node hears the others: after a connection was made anew. */
  heard(): Promise<void> {
    // As the emitter does.
    return this.#options.redis.listening(`${this.#prefix.slice(0, -1)}*`);
  }

  send(publication: Publication, holders: readonly string[] = []): void {
    const { node, redis, outstanding, dropped } = this.#options;
    const { topic, qos, retain } = publication;
    const fleeting = qos === 0 && !retain;
    const weight = weightOf(publication);
    // Nobody waits for it, and nobody else bounds how many there are.
    if (fleeting && (!redis.up || this.#bytes + weight > MOST)) {
      dropped();
      return;
    }
    const message = { topic: this.#prefix + topic, node, packet: plain(publication), holders };
    const sent = new Promise<void>((resolve, reject) => {
      redis.emitter.emit(message, (error) => (error ? reject(error) : resolve()));
    });
    if (!fleeting) {
      outstanding.track(sent);
      return;
    }
    this.#bytes += weight;
    void sent.catch(dropped).then(() => {
      this.#bytes -= weight;
    });
  }
}
