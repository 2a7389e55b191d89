/** What a peer has proved of itself. UDP proves nothing. */
export type PeerIdentity =
  /** It has the key of this identity (RFC 4279), which is UTF-8. */
  | { readonly kind: "psk"; readonly identity: string }
  /**
   * It has the key of this certificate, which a trusted authority signed. `names`: the common name first if there is one, then
   * the DNS names and URIs of the subject alternative names, each once. `fingerprint`: SHA-256 of the certificate, in lower-case
   * hexadecimal without colons.
   */
  | { readonly kind: "certificate"; readonly names: readonly string[]; readonly fingerprint: string }
  /** It has this raw public key (RFC 7250). `fingerprint`: SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
  | { readonly kind: "raw-public-key"; readonly fingerprint: string };

/** Where datagrams go. */
export interface Address {
  /** An IP address, IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/** The other end of a datagram transport. */
export interface Peer extends Address {
  /**
   * The same for as long as it is the same endpoint: address and port over UDP, the session over DTLS, whose address and port may
   * change (RFC 9146). What is remembered of a peer is remembered under this.
   */
  readonly id: string;
  /** Undefined where nothing was proved. */
  readonly identity?: PeerIdentity | undefined;
}

/** Who hears what comes in. None of it may throw. */
export interface DatagramReceiver {
  /** `multicast`: it was sent to a group, so that errors and resets are not answered (RFC 7252 8.1). `bytes` may be kept. */
  datagram(bytes: Uint8Array, peer: Peer, multicast: boolean): void;
  /** Nothing will come from this peer and nothing reaches it any more: its session ended. Over UDP nobody ever knows. */
  gone?(peer: Peer, reason: string): void;
}

/** Carries datagrams between one socket and any number of peers: UDP is one, DTLS over another transport is one. */
export interface DatagramTransport {
  /** Where it listens. */
  readonly local: Address;
  /** Who gets what comes in. Before it is called, what comes in is lost, as datagrams are. */
  listen(receiver: DatagramReceiver): void;
  /**
   * The peer at an address, to send to it first. Over UDP at once; over DTLS it takes a handshake, or the session that is there.
   * Rejects where that fails.
   */
  connect(to: Address): Promise<Peer>;
  /** Never throws and reports nothing: a datagram may be lost anywhere. `unsent` counts what this machine refused to send. */
  send(bytes: Uint8Array, peer: Peer): void;
  readonly unsent: number;
  /** Resolves when it was closed on purpose, rejects when it was lost. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}
