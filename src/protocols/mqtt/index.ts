/** MQTT 3.1, 3.1.1 and 5: bytes to packets and back. Sans I/O; knows nothing of a gateway. */
export { MqttError, type MqttErrorCode } from "./error.js";
export type * from "./packet.js";
export type * from "./properties.js";
export { PacketReader, type PacketReaderOptions } from "./reader.js";
export { textFault, topicNameFault } from "./text.js";
export { LARGE_PAYLOAD, PacketWriter } from "./writer.js";
