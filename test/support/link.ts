/** A link that can be cut: TCP from a port of its own to another of this machine. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Direction = "up" | "down";

/** close: both ends see the connection closed. reset: RST. freeze: nothing passes any more and nobody is told. */
export type Cut = "close" | "reset" | "freeze";

export interface Link {
  readonly port: number;
  /** Connections that are whole. */
  readonly open: number;
  /** Bytes that have passed since the start. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Cuts all connections there are now; new ones are let through. */
  cut(how: Cut): void;
  /** Cuts once that many more bytes of one direction have passed: the rest of them is lost. A later call replaces it. */
  cutAfter(direction: Direction, bytes: number, how: Cut): void;
  /** Holds everything back, or lets it go on: late, and whole. */
  hold(held: boolean): void;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  frozen: boolean;
}

/** `port`: one that is free; left out, the system chooses. */
export async function openLink(target: number, port = 0): Promise<Link> {
  const pairs = new Set<Pair>();
  /** Ends of cut pairs that nobody has told yet. */
  const left = new Set<Socket>();
  const passed = { up: 0, down: 0 };
  let fuse: { readonly direction: Direction; bytes: number; readonly how: Cut } | undefined;
  let held = false;

  const cutPair = (pair: Pair, how: Cut): void => {
    if (!pairs.delete(pair)) return;
    if (how === "freeze") {
      pair.frozen = true;
      for (const end of [pair.near, pair.far]) {
        end.resume();
        left.add(end);
        end.on("close", () => left.delete(end));
      }
      return;
    }
    for (const end of [pair.near, pair.far]) {
      if (how === "reset") end.resetAndDestroy();
      else end.destroy();
    }
  };

  const pass = (pair: Pair, direction: Direction, chunk: Buffer): void => {
    if (pair.frozen) return;
    const to = direction === "up" ? pair.far : pair.near;
    const from = direction === "up" ? pair.near : pair.far;
    const burnt = fuse?.direction === direction && chunk.length >= fuse.bytes ? fuse : undefined;
    const part = burnt === undefined ? chunk : chunk.subarray(0, burnt.bytes);
    if (fuse?.direction === direction) fuse.bytes -= part.length;
    passed[direction] += part.length;
    if (burnt !== undefined) {
      fuse = undefined;
      // What was let through must arrive before the cut.
      from.pause();
      to.write(part, () => cutPair(pair, burnt.how));
    } else if (!to.write(part)) {
      from.pause();
      to.once("drain", () => (held ? undefined : from.resume()));
    }
  };

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    const pair: Pair = { near, far, frozen: false };
    pairs.add(pair);
    for (const [end, other, direction] of [
      [near, far, "up"],
      [far, near, "down"],
    ] as const) {
      end.on("data", (chunk) => pass(pair, direction, chunk));
      end.on("error", () => {}); // its "close" follows
      end.on("close", () => {
        pairs.delete(pair);
        if (!pair.frozen) other.destroySoon();
      });
      if (held) end.pause();
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return [...pairs].filter(({ far }) => far.readyState === "open").length;
    },
    passed,
    cut: (how) => {
      for (const pair of [...pairs]) cutPair(pair, how);
    },
    cutAfter: (direction, bytes, how) => {
      fuse = { direction, bytes: Math.max(1, bytes), how };
    },
    hold: (hold) => {
      held = hold;
      for (const { near, far } of pairs) {
        for (const end of [near, far]) {
          if (hold) end.pause();
          else end.resume();
        }
      }
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const { near, far } of pairs) for (const end of [near, far]) end.destroy();
      for (const end of left) end.destroy();
      await closed;
    },
  };
}
