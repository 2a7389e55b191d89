import { isLoopback, plainAddress } from "../../core/ip.js";
import type { PubSub, PubSubClient, PubSubCredentials, PubSubRefusal } from "../../core/pubsub.js";
import type { Identity } from "../access/access.js";
import { topicFault } from "../connection/topic-fault.js";
import type { Core } from "../core.js";
import type { Admission } from "../listeners/admission.js";
import { AdmittedClient } from "./client.js";
import { TAKEN, takenByAnother, tellRefused } from "./refused.js";
import { Regulars } from "./regulars.js";
import type { ClientSession } from "./session.js";

/** Where clients of other protocols come in: what Front is for those of MQTT. */
export class PubSubHost implements PubSub {
  readonly #core: Core;
  readonly #admission: Admission;
  readonly #regulars: Regulars;
  readonly #sessions = new Set<ClientSession>();
  #closed = false;

  /** `admission` is that of the listeners: connections are counted together. */
  constructor(core: Core, admission: Admission) {
    this.#core = core;
    this.#admission = admission;
    this.#regulars = new Regulars(core);
  }

  /** Those that have a session. */
  get clients(): number {
    return this.#sessions.size;
  }

  async admit(credentials: PubSubCredentials): Promise<PubSubClient | PubSubRefusal> {
    const core = this.#core;
    const { clientId, username, password, link, proven } = credentials;
    const address = plainAddress(credentials.address);
    const who = { clientId, address };
    if (this.#closed) return "busy";
    const fault = clientId === "" ? "it has no client id" : (topicFault(clientId) ?? topicFault(username ?? ""));
    if (fault !== undefined) {
      tellRefused(core, who, "client_id", fault);
      return "client_id";
    }
    const local = isLoopback(address);
    const named = { clientId, username, password, listener: link };
    const verdict = await core.access.authenticate({ ...named, local, address, proven });
    if (!verdict.ok) {
      tellRefused(core, who, verdict.reason, verdict.detail);
      return verdict.reason;
    }
    if (takenByAnother(core, verdict.identity)) {
      tellRefused(core, who, "client_id", TAKEN);
      return "client_id";
    }
    const host = { core, admission: this.#admission, sessions: this.#sessions };
    return new AdmittedClient(host, this.#regulars.recall(verdict.identity), address);
  }

  /** Looks at what depends on time. */
  sweep(): void {
    const wall = this.#core.wall();
    for (const session of [...this.#sessions]) session.sweep(wall);
  }

  permissionsChanged(revoked: (identity: Identity) => boolean): void {
    for (const session of [...this.#sessions]) session.permissionsChanged(revoked);
  }

  close(): void {
    this.#closed = true;
    for (const session of [...this.#sessions]) session.end("stopping");
  }
}
