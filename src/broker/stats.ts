/** What is counted since the start, for $SYS. */
export class Stats {
  bytesReceived = 0;
  bytesSent = 0;
  messagesReceived = 0;
  messagesSent = 0;
  publishReceived = 0;
  publishSent = 0;
  publishDropped = 0;
  publishBytesReceived = 0;
  publishBytesSent = 0;
  connections = 0;
  clientsConnected = 0;
  clientsMaximum = 0;
  clientsExpired = 0;
}
