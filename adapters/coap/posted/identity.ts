import type { Peer, PeerIdentity } from "../../../src/protocols/datagram/index.js";
import { Refusal } from "./refusal.js";
import type { Device } from "./targets.js";

/** What the way that a request came by says of its sender. */
export interface Channel {
  /** DTLS. */
  readonly secure: boolean;
  /** Nothing is taken that is not secure. */
  readonly required: boolean;
}

/** What a fingerprint is written with where a name could stand. */
export const FINGERPRINT = "sha256:";

/** All that a peer may go by that has proved this: names of keys and certificates, and fingerprints. For people, the first. */
export function namesOf(identity: PeerIdentity): readonly string[] {
  switch (identity.kind) {
    case "psk":
      return [identity.identity];
    case "certificate":
      // What an authority put into a certificate is no fingerprint, whatever it looks like.
      return [...identity.names.filter((name) => !/^sha256:/i.test(name)), `sha256:${identity.fingerprint}`];
    case "raw-public-key":
      return [`sha256:${identity.fingerprint}`];
  }
}

/** Whether this is who is wanted. No name is a fingerprint: an authority that lets devices choose their names has not seen their keys. */
export function isIdentity(identity: PeerIdentity, wanted: string): boolean {
  if (!wanted.startsWith(FINGERPRINT)) return namesOf(identity).includes(wanted);
  return identity.kind !== "psk" && wanted === `${FINGERPRINT}${identity.fingerprint}`;
}

/** Who a peer is, for people: in a log, with its address. */
export function peerText({ address, port, identity }: Peer): string {
  const who = identity === undefined ? "" : `${JSON.stringify(namesOf(identity)[0])} at `;
  return `${who}${address} port ${port}`;
}

/** Who a device must prove to be. */
export function identityOf({ id, address }: Device): string {
  return address.identity ?? id;
}

/** Whether the peer may speak for the device, and be told of it. */
export function maySpeakFor({ identity }: Peer, device: Device, { secure, required }: Channel): boolean {
  if (!secure) return !required && device.address.identity === undefined;
  return identity !== undefined && isIdentity(identity, identityOf(device));
}

/** Throws a Refusal: 4.01 where nothing was proved, 4.03 where it was somebody else. */
export function checkSpeaker(peer: Peer, device: Device, channel: Channel): void {
  if (maySpeakFor(peer, device, channel)) return;
  if (peer.identity === undefined) {
    throw new Refusal(
      "4.01",
      "unproven",
      "this device must prove who it is: it posts over DTLS, with its key or certificate",
    );
  }
  throw new Refusal("4.03", "other_identity", "this key or certificate is not that of the device");
}
