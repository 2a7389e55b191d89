import type { Publication } from "../publication.js";
import type { Stats } from "../stats.js";
import { Load, SPANS } from "./load.js";
import { LOADS, type Standing, sysTopics } from "./topics.js";

export interface SysOptions {
  /** Of the gateway. */
  readonly version: string;
  readonly stats: Stats;
  readonly standing: () => Standing;
  readonly publish: (publication: Publication) => void;
}

const ROOT = "$SYS/broker/";

/** What the broker says of itself (`$SYS/broker/...`), retained, and said again only where it changed. */
export class Sys {
  readonly #options: SysOptions;
  readonly #said = new Map<string, string>();
  readonly #loads = new Map(Object.keys(LOADS).map((name) => [name, new Load()]));

  constructor(options: SysOptions) {
    this.#options = options;
    this.#say("version", `weir ${options.version}`);
  }

  /** To be called every `elapsed` ms. */
  tell(elapsed: number): void {
    const { stats, standing } = this.#options;
    for (const [topic, value] of sysTopics(stats, standing())) this.#say(topic, value);
    for (const [name, load] of this.#loads) {
      load.add(LOADS[name]?.(stats) ?? 0, elapsed);
      for (const [index, span] of SPANS.entries())
        this.#say(`load/${name}/${span}min`, (load.averages[index] ?? 0).toFixed(2));
    }
  }

  #say(topic: string, value: string): void {
    if (this.#said.get(topic) === value) return;
    this.#said.set(topic, value);
    this.#options.publish({ topic: ROOT + topic, payload: Buffer.from(value), qos: 0, retain: true });
  }
}
