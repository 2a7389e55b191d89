import { messageOf, WeirError } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import { ALL_COAP_NODES } from "../../../src/protocols/coap/index.js";
import { type DatagramTransport, openUdp } from "../../../src/protocols/datagram/index.js";
import { type DtlsTransport, openDtls } from "../../../src/protocols/dtls/index.js";
import { listenAddress, type Settings } from "../config.js";
import type { DtlsSettings } from "../dtls/config.js";
import type { Credentials } from "../dtls/credentials.js";
import { failedHandshake } from "./handshakes.js";

/** One address that is listened on. */
export interface Listener {
  readonly url: string;
  readonly secure: boolean;
  readonly transport: DatagramTransport;
}

/** Where a listener tells of handshakes that failed. */
export interface Told {
  readonly journal: Journal;
  /** The link. */
  readonly at: string;
}

/** Rejects with ADDRESS_IN_USE or LISTEN_FAILED. */
export async function openListener(
  url: string,
  { dtls: settings, multicast }: Pick<Settings, "dtls" | "multicast">,
  credentials: Credentials | undefined,
  told: Told,
): Promise<Listener> {
  const { secure, host, port } = listenAddress(url);
  // Groups are asked in the clear: there is no session with a group.
  const interfaces = secure || multicast === false ? undefined : multicast;
  const udp = await openUdp({
    ...{ host, port },
    ...(interfaces === undefined ? {} : { multicast: { groups: Object.values(ALL_COAP_NODES), interfaces } }),
  }).catch((cause: unknown) => {
    throw listenError(url, cause);
  });
  if (!secure) return { url, secure, transport: udp };
  try {
    if (settings === undefined || credentials === undefined) throw new Error("adapters.coap.dtls is missing");
    return securedListener(url, udp, settings, credentials, told);
  } catch (cause) {
    await udp.close();
    throw listenError(url, cause);
  }
}

function securedListener(
  url: string,
  udp: DatagramTransport,
  settings: DtlsSettings,
  credentials: Credentials,
  { journal, at }: Told,
): Listener {
  const { keys, trust } = credentials;
  const { sessions, idle, cid, requireClientCertificate } = settings;
  const transport: DtlsTransport = openDtls(
    {
      server: {
        ...(settings.psk === undefined ? {} : { psk: { lookup: (identity) => credentials.psk.get(identity) } }),
        clientCertificate: requireClientCertificate ? "required" : "optional",
      },
      keys,
      ...(trust === undefined ? {} : { trust }),
      cidLength: cid,
      idle,
      // One device, or all that prove nothing, must not push out the others.
      limits: { open: sessions, openPerIdentity: Math.ceil(sessions / 10), resumable: sessions },
      onFailure: (failure) => {
        const told = failedHandshake(failure, url, (identity) => credentials.psk.has(identity));
        journal({ level: "warn", event: "coap_handshake_failed", at, ...told });
      },
    },
    udp,
  );
  credentials.serves(transport);
  return { url, secure: true, transport };
}

function listenError(url: string, cause: unknown): WeirError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new WeirError("ADDRESS_IN_USE", `${url}: another program listens there`, { cause });
  }
  return new WeirError("LISTEN_FAILED", `${url}: ${messageOf(cause)}`, { cause });
}
