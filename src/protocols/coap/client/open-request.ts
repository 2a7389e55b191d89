import type { Peer } from "../../datagram/index.js";

/** A request of ours that waits for its answer. Opaque to all but the client role. */
export interface OpenRequest {
  readonly peer: Peer;
}
