export type MqttErrorCode =
  /** Bytes that are no packet (MQTT 5 4.13.1: malformed). */
  | "MALFORMED"
  /** A packet that can be read and must not be sent (MQTT 5 4.13.1: protocol error). */
  | "PROTOCOL_ERROR"
  /** A packet beyond the bound of its reader. */
  | "TOO_LARGE"
  /** A CONNECT of a protocol that is not MQTT 3.1, 3.1.1 or 5. */
  | "UNSUPPORTED_VERSION";

/** The reason codes of MQTT 5 that answer them (MQTT 5 2.4). */
const REASON_CODES: Readonly<Record<MqttErrorCode, number>> = {
  MALFORMED: 0x81,
  PROTOCOL_ERROR: 0x82,
  TOO_LARGE: 0x95,
  UNSUPPORTED_VERSION: 0x84,
};

/** What a peer sent is refused: the connection must be closed (MQTT-4.8.0-1; MQTT 5 4.13.1). */
export class MqttError extends Error {
  readonly code: MqttErrorCode;
  /** For the CONNACK or DISCONNECT with which a server of MQTT 5 says why. */
  readonly reasonCode: number;

  constructor(code: MqttErrorCode, message: string, reasonCode = REASON_CODES[code]) {
    super(message);
    this.name = "MqttError";
    this.code = code;
    this.reasonCode = reasonCode;
  }
}

export function malformed(message: string): MqttError {
  return new MqttError("MALFORMED", message);
}

export function protocolError(message: string): MqttError {
  return new MqttError("PROTOCOL_ERROR", message);
}
