import { Aedes, type AedesPublishPacket, type Client, type PublishPacket } from "aedes";
import { messageOf } from "../core/errors.js";
import type { Journal } from "../core/journal.js";
import type { Message } from "../core/message.js";
import { type Address, type Listener, listen } from "./listeners.js";

export interface BrokerOptions {
  readonly id: string;
  /**
   * Called for every PUBLISH of a client before it is acknowledged and routed. When it rejects, the client is
   * disconnected without an acknowledgement: MQTT 3.1.1 has no other way to refuse (MQTT-3.3.5-2).
   */
  readonly admit: (message: Message, clientId: string) => Promise<void>;
  readonly journal: Journal;
  /** ms that a subscriber may take nothing at all while there is something for it; 5 s if left out. */
  readonly patience?: number;
}

/**
 * aedes waits for the slowest subscriber, with all that is published: devices, clients and the stop of the gateway. Its own
 * patience of 60 s is far more than what a serial port can hold back.
 */
const PATIENCE = 5_000;

export interface Broker {
  /**
   * Lets clients in. Resolves to the URLs with their real ports; rejects with ADDRESS_IN_USE or LISTEN_FAILED, and then
   * listens nowhere.
   */
  listen(addresses: readonly Address[]): Promise<string[]>;
  readonly clients: number;
  /** Routes a message of the gateway's own to the subscribers. Resolves when it was handed to them and retained. */
  publish(message: Message): Promise<void>;
  /** Hears what matches the filter from now on; retained messages are not replayed. Not awaited: it must not throw. */
  subscribe(filter: string, hear: (message: Message) => void): void;
  close(): Promise<void>;
}

/** The embedded broker: aedes. It routes from now on, and listens when it is told to. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const aedes = await Aedes.createBroker({ id: options.id, drainTimeout: options.patience ?? PATIENCE });
  aedes.authorizePublish = admitFirst(aedes, options);
  report(aedes, options);
  const listeners: Listener[] = [];
  const endListeners = async (): Promise<void> => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  };
  return {
    listen: async (addresses) => {
      try {
        for (const address of addresses) {
          listeners.push(await listen(address, (connection, request) => void aedes.handle(connection, request)));
        }
      } catch (error) {
        await endListeners();
        throw error;
      }
      return listeners.map((listener) => listener.url);
    },
    get clients() {
      return aedes.connectedClients;
    },
    publish: (message) => publish(aedes, message),
    subscribe: (filter, hear) => {
      const deliver = (packet: AedesPublishPacket, done: () => void): void => {
        hear(toMessage(packet));
        done();
      };
      aedes.subscribe(filter, deliver, () => {});
    },
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      await endListeners();
    },
  };
}

function publish(aedes: Aedes, message: Message): Promise<void> {
  const { topic, qos, retain, payload } = message;
  const packet: PublishPacket = { cmd: "publish", topic, qos, retain, dup: false, payload: asBuffer(payload) };
  return new Promise((resolve, reject) => aedes.publish(packet, (error) => (error ? reject(error) : resolve())));
}

/**
 * aedes writes PUBACK before it publishes, and PUBREC after; both only once `authorizePublish` has called back, which
 * makes it the place to wait until the message is safe.
 */
function admitFirst(aedes: Aedes, options: BrokerOptions): Aedes["authorizePublish"] {
  return (client, packet, done) => {
    if (packet.topic.startsWith("$SYS/")) return done(new Error("$SYS topics are the broker's own"));
    const clientId = client?.id ?? "";
    const admitted = isRedelivery(aedes, client, packet).then((known) =>
      known ? undefined : options.admit(toMessage(packet), clientId),
    );
    admitted.then(
      () => done(null),
      (error: unknown) => {
        const message = `a publish of client ${clientId} to ${packet.topic} was refused, the client is disconnected: ${messageOf(error)}`;
        options.journal({ level: "warn", event: "publish_refused", at: "broker", message });
        done(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };
}

/** What aedes keeps of QoS 2 exchanges until PUBREL. Not in its types; the tests fail if an upgrade moves it. */
interface IncomingStore {
  readonly persistence: { incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown> };
}

/** A QoS 2 PUBLISH that a client sends again because it missed our PUBREC is the same message (MQTT-4.3.3-2). */
async function isRedelivery(aedes: Aedes, client: Client | null, packet: PublishPacket): Promise<boolean> {
  if (packet.qos !== 2 || client === null) return false;
  return (aedes as Aedes & IncomingStore).persistence.incomingGetPacket(client, packet).then(
    () => true,
    () => false,
  );
}

function report(aedes: Aedes, { journal }: BrokerOptions): void {
  const failed = (client: Client | null, error: Error): void =>
    journal({
      level: "info",
      event: "client_error",
      at: "broker",
      message: `client ${client?.id ?? "(not connected)"}: ${messageOf(error)}`,
    });
  aedes.on("clientError", failed);
  aedes.on("connectionError", failed);
  aedes.on("client", (client) =>
    journal({ level: "debug", event: "client_connected", at: "broker", message: `client ${client.id} connected` }),
  );
}

function toMessage(packet: PublishPacket | AedesPublishPacket): Message {
  const { topic, qos, retain, payload } = packet;
  return { topic, qos, retain, payload: typeof payload === "string" ? Buffer.from(payload) : payload };
}

/** aedes writes Buffers; a view costs nothing. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
