import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  type Code,
  encodeMessage,
  OPTION,
  type Option,
  parseMessage,
  uint,
} from "../../../../src/protocols/coap/index.js";
import { uintOption } from "../../../../src/protocols/coap/options.js";

export interface Post {
  readonly path: string;
  readonly payload?: string | Uint8Array;
  readonly format?: number;
  readonly method?: Code;
  readonly options?: readonly Option[];
}

export interface Answer {
  readonly code: Code;
  readonly text: string;
  readonly maxAge: number | undefined;
}

/** A CoAP client that asks one thing at a time and sends nothing twice. */
export interface TestClient {
  ask(post: Post): Promise<Answer>;
  readonly socket: Socket;
  close(): void;
}

export async function connect(port: number): Promise<TestClient> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  let messageId = 0;
  return {
    socket,
    close: () => socket.close(),
    ask: async ({ path, payload = "", format, method = "0.02", options = [] }) => {
      messageId++;
      const segments = path.split("/").filter((segment) => segment !== "");
      const bytes = encodeMessage({
        type: "CON",
        code: method,
        messageId,
        token: Uint8Array.of(messageId >> 8, messageId),
        options: [
          ...segments.map((segment) => ({ number: OPTION.uriPath, value: Buffer.from(segment) })),
          ...(format === undefined ? [] : [uint(OPTION.contentFormat, format)]),
          ...options,
        ],
        payload: Buffer.from(payload),
      });
      socket.send(bytes, port, "127.0.0.1");
      const [datagram] = (await once(socket, "message")) as [Buffer];
      const answer = parseMessage(datagram);
      if (!answer.ok) throw new Error(`the answer is ${answer.error}`);
      const { code, options: own, payload: body } = answer.message;
      return { code, text: Buffer.from(body).toString(), maxAge: uintOption(own, OPTION.maxAge) };
    },
  };
}
