import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.js";

/** `"30 05 'a/b' 00"` as bytes: hexadecimal, text between quotes, and `'a'*300` for a run. */
export function bytesOf(written: string): Buffer {
  const parts = written.match(/'[^']*'\*\d+|'[^']*'|[0-9a-fA-F]{2}/g) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      const [, text, times = "1"] = part.match(/^'([^']*)'(?:\*(\d+))?$/) ?? [];
      return text === undefined ? Buffer.from(part, "hex") : Buffer.from(text.repeat(Number(times)));
    }),
  );
}

/** A connection that sends and expects bytes. */
export interface Wire {
  send(...written: (string | Uint8Array)[]): void;
  /** The next bytes that come are these. */
  expect(written: string): Promise<void>;
  /** The next byte that comes begins an answer to a ping: nothing else was on its way. */
  quiet(): Promise<void>;
  /** The broker ends the connection, and sends nothing before that. */
  closed(): Promise<void>;
  /** Bytes that came and were not expected yet. */
  readonly pending: Buffer;
  readonly ended: boolean;
  /** Closes it without a word. */
  drop(): Promise<void>;
  pause(): void;
  resume(): void;
}

export async function openWire(t: TestContext, port: number): Promise<Wire> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  t.after(() => socket.destroy());
  let pending = Buffer.alloc(0);
  let ended = false;
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
  });
  socket.on("end", () => {
    ended = true;
  });
  socket.on("close", () => {
    ended = true;
  });
  socket.on("error", () => {}); // its "close" follows
  const expect = async (written: string): Promise<void> => {
    const wanted = bytesOf(written);
    await eventually(() => pending.length >= wanted.length || ended, `${written} comes`, 8_000).catch(() => {});
    assert.equal(pending.subarray(0, wanted.length).toString("hex"), wanted.toString("hex"), `${written} was to come`);
    pending = pending.subarray(wanted.length);
  };
  const send = (...written: (string | Uint8Array)[]): void => {
    for (const each of written) socket.write(typeof each === "string" ? bytesOf(each) : each);
  };
  return {
    send,
    expect,
    quiet: async () => {
      send("C0 00");
      await expect("D0 00");
    },
    closed: async () => {
      await eventually(() => ended, "it is closed", 8_000);
      assert.equal(pending.toString("hex"), "", "nothing was to come before the end");
    },
    get pending() {
      return pending;
    },
    get ended() {
      return ended;
    },
    drop: async () => {
      const gone = socket.closed ? undefined : once(socket, "close");
      socket.destroy();
      await gone;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

const length16 = (length: number): string => length.toString(16).padStart(4, "0");

function packet(first: string, body: string): string {
  const { length } = bytesOf(body);
  const size = length < 128 ? [length] : [(length % 128) | 0x80, Math.floor(length / 128)];
  return `${first} ${size.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")} ${body}`;
}

/** CONNECT: version, clean, id; properties and will as hexadecimal. */
export function connectPacket(
  version: 3 | 4 | 5,
  id: string,
  { clean = true, keepAlive = 0, properties = "", will = "", willFlags = 0 } = {},
): string {
  const name = version === 3 ? "00 06 'MQIsdp' 03" : `00 04 'MQTT' 0${version}`;
  const flags = ((clean ? 2 : 0) | willFlags).toString(16).padStart(2, "0");
  const section = version === 5 ? `${bytesOf(properties).length.toString(16).padStart(2, "0")} ${properties}` : "";
  return packet("10", `${name} ${flags} ${length16(keepAlive)} ${section} ${length16(id.length)} '${id}' ${will}`);
}

export function subscribePacket(
  version: 3 | 4 | 5,
  id: number,
  filter: string,
  options = "00",
  properties = "",
): string {
  const section = version === 5 ? `${bytesOf(properties).length.toString(16).padStart(2, "0")} ${properties}` : "";
  return packet("82", `${length16(id)} ${section} ${length16(filter.length)} '${filter}' ${options}`);
}

/** `first` has the flags. */
export function publishPacket(
  version: 3 | 4 | 5,
  first: string,
  topic: string,
  payload: string,
  id?: number,
  properties = "",
): string {
  const section = version === 5 ? `${bytesOf(properties).length.toString(16).padStart(2, "0")} ${properties}` : "";
  return packet(
    first,
    `${length16(topic.length)} '${topic}' ${id === undefined ? "" : length16(id)} ${section} '${payload}'`,
  );
}
