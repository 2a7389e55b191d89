import type { ConnectionOptions } from "../connection/connection.js";

/** A connection that leaves nothing behind, and about which nobody is told. */
export function trialOf(options: ConnectionOptions): ConnectionOptions {
  return { ...options, clean: true, keepSession: false, will: undefined };
}

/** One beside that of the bridge, which an upstream would end for a second one of the same client id (MQTT-3.1.4-2). */
export function probeOf(options: ConnectionOptions): ConnectionOptions {
  return { ...trialOf(options), clientId: `${options.clientId}-probe` };
}
