import type { Peer } from "../../datagram/index.js";

/** A request, or a ping, that waits for its answer. Opaque. */
export interface Call {
  readonly peer: Peer;
}

/** A resource that is observed. Opaque. */
export interface Observed {
  readonly peer: Peer;
}

/** A state that was given out, and waits to be taken or refused. Opaque. */
export interface Delivery {
  readonly observed: Observed;
}

/** A message of ours that waits for its answer. Opaque to all but the client role. */
export interface OpenRequest {
  readonly peer: Peer;
}
