/** The other end of a datagram transport. */
export interface Peer {
  /** The same for as long as it is the same endpoint: address and port over UDP, the session over DTLS. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

/** `multicast`: the datagram was sent to a group, so that errors and resets are not answered (RFC 7252 8.1). `bytes` may be kept. */
export type DatagramReceiver = (bytes: Uint8Array, peer: Peer, multicast: boolean) => void;

/** Carries datagrams: UDP now, DTLS later. */
export interface DatagramTransport {
  /** Where it listens. */
  readonly local: { readonly address: string; readonly port: number };
  /** Who gets what comes in. Before it is called, what comes in is lost, as datagrams are. */
  listen(receiver: DatagramReceiver): void;
  /** Never throws and reports nothing: a datagram may be lost anywhere. `unsent` counts what this machine refused to send. */
  send(bytes: Uint8Array, peer: Peer): void;
  readonly unsent: number;
  /** Resolves when it was closed on purpose, rejects when it was lost. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}
