import type { RemoteInfo, Socket } from "node:dgram";

/**
 * Stands between a socket and npm coap's listener, which throws at some datagrams that are legal (a Block1 option of length 0):
 * out of a socket's callback that would end the process. Also `wanted` says what it is not to see.
 */
export function guard(socket: Socket, wanted: (from: RemoteInfo) => boolean): void {
  const listeners = socket.listeners("message") as ((message: Buffer, from: RemoteInfo) => void)[];
  socket.removeAllListeners("message");
  socket.on("message", (message, from) => {
    if (!wanted(from)) return;
    try {
      for (const listener of listeners) listener.call(socket, message, from);
    } catch {
      // The datagram is dropped as if it had been lost: it is sent again, or its request ends with its timeout.
    }
  });
}
