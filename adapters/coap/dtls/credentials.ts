import { messageOf } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import type { PskTable } from "../../../src/core/psk.js";
import type { Peer } from "../../../src/protocols/datagram/index.js";
import type { DtlsTransport } from "../../../src/protocols/dtls/index.js";
import type { DtlsSettings } from "./config.js";
import { type Material, readMaterial, stampOf } from "./material.js";

/** What the files hold now. */
export interface Credentials {
  readonly psk: PskTable;
  readonly keys: Material["keys"];
  readonly trust: Material["trust"];
  /** A transport that gets certificates and keys that were renewed, until it is closed. */
  serves(transport: DtlsTransport): void;
  /** Whether the key that a peer's session was made with is still that of its identity. Always of one without such a key. */
  holds(peer: Peer): boolean;
  stop(): void;
}

/** How often the files are looked at, in ms. */
const LOOK_EVERY = 5_000;

export interface CredentialsOptions {
  readonly settings: DtlsSettings;
  readonly journal: Journal;
  /** The link, for the journal. */
  readonly at: string;
  /** ms between two looks at the files. */
  readonly every?: number;
}

/** Reads the files, and again when they change. Throws CERTIFICATE_INVALID; later what cannot be used is told and the old is kept. */
export function openCredentials({ settings, journal, at, every = LOOK_EVERY }: CredentialsOptions): Credentials {
  let stamp = stampOf(settings);
  let material = readMaterial(settings);
  const served = new Set<DtlsTransport>();
  /** The key of a session's identity when it was first asked about: a session lasts as long as its key. */
  const keys = new WeakMap<Peer, Buffer>();

  function look(): void {
    const now = stampOf(settings);
    if (now === stamp) return;
    stamp = now;
    try {
      material = readMaterial(settings);
      for (const transport of served) transport.renew(renewable(material));
      const message = "its dtls files changed: new sessions are held to the new ones";
      journal({ level: "info", event: "coap_credentials_renewed", at, message });
    } catch (error) {
      const message = `keeping its old certificates and keys: ${messageOf(error)}`;
      journal({ level: "error", event: "coap_credentials_invalid", at, message });
    }
  }

  const timer = setInterval(look, every);
  return {
    get psk() {
      return material.psk;
    },
    get keys() {
      return material.keys;
    },
    get trust() {
      return material.trust;
    },
    serves(transport) {
      served.add(transport);
      const forget = () => void served.delete(transport);
      transport.closed.then(forget, forget);
    },
    holds(peer) {
      const { identity } = peer;
      if (identity?.kind !== "psk") return true;
      const current = material.psk.get(identity.identity);
      if (current === undefined) return false;
      const before = keys.get(peer);
      if (before === undefined) keys.set(peer, current);
      return before === undefined || before.equals(current);
    },
    stop: () => clearInterval(timer),
  };
}

function renewable({ keys, trust }: Material) {
  return trust === undefined ? { keys } : { keys, trust };
}
