import { messageOf } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import type { PskTable } from "../../../src/core/psk.js";
import type { DtlsTransport } from "../../../src/protocols/dtls/index.js";
import type { DtlsSettings } from "./config.js";
import { type Material, readMaterial, stampOf } from "./material.js";

/** What the files hold now. */
export interface Credentials {
  readonly psk: PskTable;
  readonly keys: Material["keys"];
  readonly trust: Material["trust"];
  /**
   * A transport that gets certificates and keys that were renewed, until it is closed. Its sessions end with the pre-shared keys that
   * they were made with, also those of devices that ask nothing and are only told.
   */
  serves(transport: DtlsTransport): void;
  stop(): void;
}

/** How often the files are looked at, in ms. */
const LOOK_EVERY = 5_000;
/** So long files that changed must stay as they are before they are read, in ms: half of a file of keys is one too. */
const SETTLE = 200;

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

  let settling: NodeJS.Timeout | undefined;

  function look(): void {
    if (settling !== undefined) return;
    const seen = stampOf(settings);
    if (seen === stamp) return;
    settling = setTimeout(() => {
      settling = undefined;
      if (stampOf(settings) === seen) renew(seen);
      else look();
    }, SETTLE);
  }

  function renew(seen: string): void {
    try {
      const next = readMaterial(settings);
      // Written meanwhile: the next look finds it.
      if (stampOf(settings) !== seen) return;
      stamp = seen;
      material = next;
      for (const transport of served) transport.renew(renewable(material));
      const message = "its dtls files changed: new sessions are held to the new ones";
      journal({ level: "info", event: "coap_credentials_renewed", at, message });
    } catch (error) {
      stamp = seen;
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
    stop: () => {
      clearInterval(timer);
      clearTimeout(settling);
    },
  };
}

function renewable({ keys, trust }: Material) {
  return trust === undefined ? { keys } : { keys, trust };
}
