import { once } from "node:events";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { generate, type IConnackPacket, type Packet, parser } from "mqtt-packet";

/** What came next on a connection: a packet, its end, or nothing for a while. */
export type Answer = Packet | "closed" | "silence";

/** One MQTT connection, packet by packet, for what a client library would hide. */
export interface Wire {
  /** `undefined` where it was closed instead. */
  readonly connack: IConnackPacket | undefined;
  send(packet: Packet): void;
  next(patience?: number): Promise<Answer>;
  /** Of the commands that come, in their order, until there is silence or the end, which is listed as well. */
  rest(patience?: number): Promise<Answer[]>;
  /** Without a DISCONNECT. */
  cut(): Promise<void>;
}

export interface Greeting {
  readonly clientId: string;
  readonly clean: boolean;
  readonly version?: 3 | 4 | 5;
}

/** What is not answered by then is taken as never answered, in ms: twenty times what the slowest upstream needs. */
const SILENCE = 1_000;
/** A node that has just come back takes its time for the first client, in ms. */
const CONNACK_WITHIN = 20_000;

/** Connects with name and password of the URL. */
export async function dial(t: TestContext, url: string, greeting: Greeting): Promise<Wire> {
  const { hostname, port, username, password } = new URL(url);
  const version = greeting.version ?? 4;
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  const decoder = parser({ protocolVersion: version });
  const arrived: Packet[] = [];
  let ended = false;
  let wake = (): void => {};
  const end = (): void => {
    ended = true;
    wake();
  };
  decoder.on("packet", (packet) => {
    arrived.push(packet);
    wake();
  });
  decoder.on("error", end);
  socket.on("data", (bytes) => decoder.parse(bytes));
  socket.on("close", end).on("error", end);
  const send = (packet: Packet): void => {
    if (!ended) socket.write(generate(packet, { protocolVersion: version }));
  };
  const next = async (patience = SILENCE): Promise<Answer> => {
    const late = Date.now() + patience;
    while (arrived.length === 0 && !ended && Date.now() < late)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, late - Date.now());
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return arrived.shift() ?? (ended ? "closed" : "silence");
  };
  send({
    cmd: "connect",
    protocolId: version === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: version,
    clientId: greeting.clientId,
    clean: greeting.clean,
    keepalive: 60,
    ...(username === "" ? {} : { username: decodeURIComponent(username), password: Buffer.from(password) }),
    ...(version === 5 && !greeting.clean ? { properties: { sessionExpiryInterval: 3600 } } : {}),
  });
  const first = await next(CONNACK_WITHIN);
  if (first === "silence") throw new Error(`no CONNACK from ${hostname}:${port} within ${CONNACK_WITHIN} ms`);
  return {
    connack: typeof first === "object" && first.cmd === "connack" ? first : undefined,
    send,
    next,
    rest: async (patience) => {
      const answers: Answer[] = [];
      for (;;) {
        const answer = await next(patience);
        if (answer === "silence") return answers;
        answers.push(answer);
        if (answer === "closed") return answers;
      }
    },
    cut: async () => {
      if (socket.destroyed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    },
  };
}
