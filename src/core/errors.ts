/**
 * Every error that Weir raises on purpose. The text says what kind of thing went wrong and what to do about it;
 * the error's own message says what and where.
 */
export const CATALOGUE = {
  CONFIG_INVALID: "The configuration has errors. Each line names the place; `weir check` shows them all.",
  PROFILE_INVALID: "Each line names the place. The format is described in docs/guide/profiles.md.",
  ACCESS_INVALID:
    "Each line names the place. The formats of users, keys and access rules are described in docs/guide/access.md.",
  ADDRESS_IN_USE: "Another program listens there. End it, or choose another address in the configuration.",
  LISTEN_FAILED:
    "The address cannot be listened on. Check that it is an address of this machine and that the port is allowed.",
  CERTIFICATE_INVALID:
    "A file under a listener's tls, or under dtls, cannot be used. `openssl x509 -text -in FILE` shows a certificate; docs/guide/listeners.md tells how to make them.",
  PORT_NOT_FOUND: "No serial port answers to that address. `weir ports` lists what is plugged in.",
  PORT_BUSY: "One program at a time can have a serial port open. End the other one (`fuser -v PORT` names it).",
  PORT_DENIED:
    "The user must be in the port's group: `sudo usermod -aG dialout USER`, then log in again or restart the service.",
  PORT_FAILED: "If it is plugged in, look at the cable, the adapter and the kernel's log (`dmesg`).",
  DEVICE_UNKNOWN: "No device of that id is configured. Add it under devices.",
  RESOURCE_UNKNOWN: "The device's profile has no such resource.",
  ACTION_UNSUPPORTED: "The resource does not allow that action, or its transport cannot carry it.",
  VALUE_INVALID: "The value does not fit the resource's type or range.",
  COMMAND_INVALID: "The command could not be understood.",
  COMMAND_EXPIRED: "The command's deadline passed before it could run.",
  COMMAND_QUEUE_FULL: "Too many commands wait for that device.",
  COMMAND_INTERRUPTED:
    "The gateway ended while the command ran: it may have been carried out. Look at the device; to have it carried out again, send it under a new id.",
  COMMAND_FORBIDDEN: "No rule of commands.allow lets this sender give this command.",
  COMMAND_FAILED: "The device or its transport could not carry the command out.",
  DEVICE_OFFLINE: "The device's link is down.",
  DEVICE_NO_ANSWER: "Check that the device is switched on, its address, and the line or network on the way to it.",
  DEVICE_REFUSED:
    "The device and the gateway do not believe each other. Compare their keys or certificates: adapters/coap/README.md has what each must have.",
  PAYLOAD_INVALID: "The payload could not be decoded.",
  BROKER_CLUSTER_UNAVAILABLE:
    "Gateways of a cluster need their Redis (7.0 or later). Check broker.cluster, its password, and that Redis runs.",
  BRIDGE_FAILED:
    "The bridge could not be set up. Check its url, and that its tls files are PEM files that this user can read.",
  OUTBOX_FULL: "The outbox is at its bound and its policy is to refuse.",
  OUTBOX_UNAVAILABLE:
    "The outbox cannot write its folder, and goes on by itself once it can. Look for a full, read-only or failing disk, and at who owns the folder.",
  OUTBOX_LOCKED:
    "One process at a time can use an outbox's folder. End the other one, or give this one a folder of its own.",
  STORE_UNAVAILABLE:
    "What the broker keeps cannot be written to its folder, and it goes on by itself once it can be. Look for a full, read-only or failing disk, and at who owns the folder.",
  STORE_LOCKED:
    "One process at a time can use a broker's folder. End the other one, or give this one a state directory of its own.",
  CLOSED: "The gateway is stopping.",
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** An error with a code of the catalogue. `message` says what happened and where. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "WeirError";
    this.code = code;
  }
  /** What to do about it. */
  get advice(): string {
    return CATALOGUE[this.code];
  }
}

/** The text of whatever was thrown. Never empty for an Error. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.message !== "") return thrown.message;
  // A name with several addresses fails with an AggregateError, which has a code and no message.
  return "code" in thrown ? String(thrown.code) : "no reason was given";
}
