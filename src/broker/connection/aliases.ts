import { MqttError } from "../../protocols/mqtt/index.js";

const INVALID = 0x94;

/** Topic aliases that the client sets, of one connection (MQTT 5 3.3.2.3.4). */
export class IncomingAliases {
  readonly #most: number;
  readonly #topics = new Map<number, string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The topic of a PUBLISH; throws MqttError where there is none. */
  topicOf(topic: string, alias: number): string {
    if (alias > this.#most) throw new MqttError("PROTOCOL_ERROR", `topic alias ${alias} [MQTT-3.3.2-9]`, INVALID);
    if (topic !== "") {
      this.#topics.set(alias, topic);
      return topic;
    }
    const known = this.#topics.get(alias);
    if (known === undefined)
      throw new MqttError("PROTOCOL_ERROR", `topic alias ${alias} stands for nothing [MQTT 5 3.3.4]`);
    return known;
  }
}

/** Topic aliases towards the client: the first topics get them, and keep them. */
export class OutgoingAliases {
  readonly #most: number;
  readonly #aliases = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined where the topic goes without. `known`: the client has it already. */
  of(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    const alias = this.#aliases.get(topic);
    if (alias !== undefined) return { alias, known: true };
    if (this.#aliases.size >= this.#most) return undefined;
    this.#aliases.set(topic, this.#aliases.size + 1);
    return { alias: this.#aliases.size, known: false };
  }

  /** The packet that would have set the newest alias, that of this topic, did not go out. */
  forget(topic: string): void {
    if (this.#aliases.get(topic) === this.#aliases.size) this.#aliases.delete(topic);
  }
}
