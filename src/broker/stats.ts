/** What is counted since the start, for $SYS. Messages are packets of any kind; publishes are PUBLISH packets. */
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
  /** Connections that were accepted, and those of them whose client was let in. */
  sockets = 0;
  connections = 0;
  /** Most clients at once. */
  clientsMaximum = 0;
  /** Sessions that ended because their time was over. */
  clientsExpired = 0;
}
