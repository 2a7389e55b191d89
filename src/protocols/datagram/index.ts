/** Datagrams: what CoAP and DTLS stand on. */
export type { MulticastOptions } from "./multicast.js";
export type { Address, DatagramReceiver, DatagramTransport, Peer, PeerIdentity } from "./transport.js";
export { openUdp, type UdpOptions } from "./udp.js";
