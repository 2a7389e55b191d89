import type { ListenerTls } from "../../../config/index.js";
import { messageOf } from "../../../core/errors.js";
import type { Journal } from "../../../core/journal.js";
import { Endings } from "./endings.js";
import { type Material, readMaterial } from "./material.js";

export interface WatchOptions {
  readonly tls: ListenerTls;
  readonly at: string;
  readonly journal: Journal;
  /** ms since the epoch. */
  readonly now: () => number;
  /** How often the files are looked at, in ms. */
  readonly every: number;
  readonly renewed: (material: Material) => void;
}

/** Looks at a listener's files for as long as it lasts: takes what was renewed, and says what is about to end. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #endings = new Endings();
  readonly #timer: NodeJS.Timeout;
  #material: Material;
  #work: Promise<void> | undefined;
  #over = false;

  constructor(material: Material, options: WatchOptions) {
    this.#material = material;
    this.#options = options;
    this.#tellEndings();
    this.#timer = setInterval(() => {
      // One look at a time.
      this.#work ??= this.#look().finally(() => {
        this.#work = undefined;
      });
    }, options.every);
  }

  async stop(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    await this.#work;
  }

  async #look(): Promise<void> {
    const { tls, at, journal, renewed } = this.#options;
    try {
      const material = await readMaterial(tls);
      if (this.#over) return;
      if (material.fingerprint !== this.#material.fingerprint) {
        renewed(material);
        this.#material = material;
        const message = "its tls files changed: new connections are held to the new ones";
        journal({ level: "info", event: "listener_renewed", at, message });
      }
    } catch (error) {
      const message = `keeping its old certificates and keys: ${messageOf(error)}`;
      journal({ level: "error", event: "listener_certificates", at, message });
    }
    this.#tellEndings();
  }

  #tellEndings(): void {
    const { at, journal, now } = this.#options;
    const { endings } = this.#material;
    this.#endings.keep(endings);
    for (const { ending, days } of this.#endings.due(endings, now())) {
      const date = new Date(ending.at).toISOString().slice(0, 10);
      const when = days < 0 ? `ended on ${date}` : `ends on ${date}, in ${days === 1 ? "1 day" : `${days} days`}`;
      const [event, effect] =
        ending.what === "certificate"
          ? ["certificate_expires", "clients refuse the server then"]
          : ["crl_expires", "all clients with certificates are refused then"];
      const level = days < 1 ? "error" : "warn";
      journal({ level, event, at, reason: ending.what, message: `${ending.file} ${when}: ${effect}` });
    }
  }
}
