/** What a server may answer to CONNECT, or say when it disconnects: MQTT 3.1.1 table 3.1, MQTT 5 tables 3.1 and 3.13. */
const REASONS: Readonly<Record<number, string>> = {
  1: "it does not speak this version of MQTT: try the other `protocol`",
  2: "it does not take this client id",
  3: "it is unavailable",
  4: "user name or password is wrong",
  5: "this client is not authorized",
  128: "it gives no reason",
  129: "it calls our packet malformed",
  130: "it calls our packet a protocol error",
  132: "it does not speak this version of MQTT: try the other `protocol`",
  133: "it does not take this client id",
  134: "user name or password is wrong",
  135: "this client is not authorized",
  136: "it is unavailable",
  137: "it is busy",
  138: "this client is banned",
  139: "it is shutting down",
  140: "it does not take this way of authentication",
  141: "it heard nothing in time (keep alive)",
  142: "another client connected with the same client id",
  144: "it does not take the topic of the will",
  147: "it got more unacknowledged messages than its receive maximum",
  148: "it does not take our topic alias",
  149: "the packet is larger than it takes",
  151: "a quota is exceeded",
  154: "it keeps no retained messages",
  155: "it does not take this QoS",
  156: "use another server",
  157: "the server moved",
  159: "too many connections in a short time",
  160: "the longest connection time is over",
};

/** The server said no: to CONNECT, or to the whole connection later (MQTT 5 DISCONNECT). */
export class ServerRefusal extends Error {
  readonly reasonCode: number;
  constructor(reasonCode: number, what: "refused" | "disconnected") {
    super(`${what} by the server: ${REASONS[reasonCode] ?? "reason"} (${reasonCode})`);
    this.name = "ServerRefusal";
    this.reasonCode = reasonCode;
  }
}
