import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { messageOf, WeirError } from "../../../src/core/errors.js";
import type { Journal } from "../../../src/core/journal.js";
import { type CoapClient, type CoapUri, openEndpoint } from "../../../src/protocols/coap/index.js";
import { type Address, type DatagramTransport, openUdp, type Peer } from "../../../src/protocols/datagram/index.js";
import { type ClientSide, DtlsError, openDtls } from "../../../src/protocols/dtls/index.js";
import type { Settings } from "../config.js";
import { type Material, readMaterial } from "../dtls/material.js";
import { FINGERPRINT, identityOf, isIdentity, namesOf } from "../posted/identity.js";
import type { Device } from "../posted/targets.js";
import { tellDiscarded } from "./discarded.js";

/** How a device is reached. */
export interface Way {
  readonly client: CoapClient;
  /** DTLS. */
  readonly secure: boolean;
  /**
   * The device. Over DTLS with the session that there is, or a new one. Rejects with DEVICE_NO_ANSWER, or DEVICE_REFUSED where it
   * or the gateway refuses the other.
   */
  reach(): Promise<Peer>;
  /** Settles as that of the socket. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** What waits at the socket of one device while this process is busy, in bytes. */
const RECEIVE_BUFFER = 64 * 1024;

/** Opens a socket of its own for a device. Rejects with DEVICE_NO_ANSWER, LISTEN_FAILED or CERTIFICATE_INVALID. */
export async function openWay(settings: Settings, device: Device, server: CoapUri, journal: Journal): Promise<Way> {
  // Looked up at every open: a device that was given another address is found again.
  const to: Address = { address: await resolve(server.host), port: server.port };
  const host = isIPv6(withoutZone(to.address)) ? "::" : "0.0.0.0";
  const udp = await openUdp({ host, port: 0, receiveBuffer: RECEIVE_BUFFER }).catch((cause: unknown) => {
    throw new WeirError("LISTEN_FAILED", `no socket for ${device.id}: ${messageOf(cause)}`, { cause });
  });
  const transport = await secured(settings, device, server, udp);
  const endpoint = openEndpoint(transport, {
    maxBody: settings.maxPayload,
    onOutcome: (outcome, peer) => tellDiscarded(outcome, peer, device.id, journal),
    onFailure: (failure) => {
      const message = `a fault of Weir's own: ${messageOf(failure)}`;
      journal({ level: "error", event: "coap_failed", at: device.id, message });
    },
  });
  return {
    client: endpoint,
    secure: server.scheme === "coaps",
    reach: async () => {
      const peer = await endpoint.connect(to).catch((cause: unknown) => {
        throw unreachable(device.id, cause);
      });
      if (server.scheme === "coaps") checkIdentity(peer, device);
      return peer;
    },
    closed: endpoint.closed,
    // What is asked is not worth waiting for any more.
    close: () => endpoint.close(0),
  };
}

function withoutZone(host: string): string {
  return host.replace(/%.*$/, "");
}

async function resolve(host: string): Promise<string> {
  if (isIP(withoutZone(host)) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new WeirError("DEVICE_NO_ANSWER", `${host} has no address: ${messageOf(cause)}`, { cause });
  }
}

async function secured(
  { dtls }: Settings,
  device: Device,
  server: CoapUri,
  udp: DatagramTransport,
): Promise<DatagramTransport> {
  if (server.scheme === "coap") return udp;
  try {
    if (dtls === undefined) throw new WeirError("CERTIFICATE_INVALID", "adapters.coap.dtls is missing");
    const material = readMaterial(dtls);
    const side = clientSide(material, device, server);
    const { keys, trust } = material;
    const options = { keys, cidLength: dtls.cid, idle: dtls.idle, client: () => side };
    return openDtls(trust === undefined ? options : { ...options, trust }, udp);
  } catch (error) {
    await udp.close();
    throw error;
  }
}

/** The key that we share with the device, else certificates: the device's must have the name that we call it by. */
function clientSide({ psk, trust }: Material, device: Device, { host }: CoapUri): ClientSide {
  const key = psk.get(identityOf(device));
  const name = device.address.identity ?? host;
  return {
    ...(key === undefined ? {} : { psk: { identity: identityOf(device), key } }),
    ...(trust === undefined || name.startsWith(FINGERPRINT) ? {} : { serverName: name }),
  };
}

/** With a key of its own it proved enough. A fingerprint must be the one that is wanted; of a raw public key one must be wanted. */
function checkIdentity({ identity }: Peer, device: Device): void {
  const wanted = device.address.identity;
  const pinned = wanted?.startsWith(FINGERPRINT) === true;
  if (identity === undefined || identity.kind === "psk" || (identity.kind === "certificate" && !pinned)) return;
  if (pinned && isIdentity(identity, wanted)) return;
  const who = namesOf(identity).at(-1);
  throw new WeirError("DEVICE_REFUSED", `${device.id} proved to be ${who}, which is not the identity of its address`);
}

function unreachable(device: string, cause: unknown): WeirError {
  const refused = cause instanceof DtlsError && cause.code !== "TIMEOUT";
  return new WeirError(refused ? "DEVICE_REFUSED" : "DEVICE_NO_ANSWER", `${device}: ${messageOf(cause)}`, { cause });
}
