import { abilitiesOf } from "../../../../src/bridge/session/abilities.js";
import { singleFeed } from "../../../../src/bridge/session/feed.js";
import type { Line } from "../../../../src/bridge/session/link.js";
import { memorySessionStore } from "../../../../src/bridge/session/memory.js";
import { Outgoing } from "../../../../src/bridge/session/outgoing.js";
import type { OutgoingOptions } from "../../../../src/bridge/session/outgoing-options.js";
import { Pace } from "../../../../src/bridge/session/pace.js";
import type { Change, SessionStore } from "../../../../src/bridge/session/session.js";
import {
  type AckPacket,
  type ConnackProperties,
  PacketReader,
  PacketWriter,
} from "../../../../src/protocols/mqtt/index.js";
import { memoryOutbox } from "../rig.js";

export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection whose far side is the test. */
export interface FakeLine extends Line {
  /** `publish 3 payload`, `again 3 payload` with DUP, `pubrel 3`, ... */
  readonly said: string[];
  readonly state: { writable: boolean; destroyed: string };
  /** What `ping` asked for. */
  readonly pings: (() => void)[];
  /** Bytes are taken by the system only with this. */
  takeBytes(): void;
}

export function fakeLine({ holds = false, version = 4 as 4 | 5 } = {}): FakeLine {
  const said: string[] = [];
  const state = { writable: true, destroyed: "" };
  const writer = new PacketWriter(version);
  const pings: (() => void)[] = [];
  let written: (() => void)[] = [];
  const reader = new PacketReader({
    version,
    maxPacketBytes: 300_000_000,
    receive: (packet) => {
      const id = "packetId" in packet ? packet.packetId : "";
      if (packet.kind !== "publish") said.push(`${packet.kind} ${id}`);
      else {
        const text = Buffer.from(packet.payload.subarray(0, 20)).toString();
        said.push(`${packet.dup ? "again" : "publish"} ${id} ${text}`);
      }
    },
  });
  const takeBytes = (): void => {
    const all = written;
    written = [];
    for (const each of all) each();
  };
  return {
    said,
    state,
    pings,
    writer,
    takeBytes,
    get writable() {
      return state.writable;
    },
    full: false,
    flush: (call) => {
      for (const chunk of writer.take()) reader.push(chunk);
      if (call !== undefined) written.push(call);
      if (!holds) queueMicrotask(takeBytes);
    },
    ping: (answered) => void pings.push(answered),
    destroy: (error) => {
      state.destroyed = error.message;
    },
  };
}

export const FOUR = abilitiesOf(4, { kind: "connack", sessionPresent: false, reasonCode: 0 }, 2);
export const five = (properties: ConnackProperties = {}) =>
  abilitiesOf(5, { kind: "connack", sessionPresent: false, reasonCode: 0, properties }, 2);

export function outgoing(options: Partial<OutgoingOptions> = {}, recovered: Partial<SessionStore["recovered"]> = {}) {
  const normal = memoryOutbox();
  const high = memoryOutbox();
  const seen = { lost: 0, again: 0, refused: [] as string[], recorded: [] as Change[] };
  const store: SessionStore = {
    ...memorySessionStore(),
    recovered: { ...memorySessionStore().recovered, ...recovered },
    record: async (changes) => void seen.recorded.push(...changes),
  };
  const made = new Outgoing({
    feeds: [singleFeed(high, 1, (message) => message), singleFeed(normal, 0, (message) => message)],
    window: 10,
    span: options.window ?? 10,
    topicAliases: 4,
    store,
    pace: new Pace(undefined),
    idOf: undefined,
    now: Date.now,
    ticks: () => performance.now(),
    events: {
      begun: () => {},
      refused: async ({ message }, why) => void seen.refused.push(`${Buffer.from(message.payload).toString()}: ${why}`),
      lost: (count) => {
        seen.lost += count;
      },
      sessionLost: (again) => {
        seen.again += again;
      },
      settled: () => {},
    },
    ...options,
  });
  return { outgoing: made, normal, high, seen };
}

export function ack(kind: AckPacket["kind"], packetId: number, reasonCode = 0): AckPacket {
  return { kind, packetId, reasonCode };
}
