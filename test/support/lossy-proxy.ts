import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { seeded } from "./random.js";

export interface ProxyOptions {
  readonly seed: number;
  /** Part that is lost, each way. */
  readonly loss: number;
  /** Part that is held back so that what was sent later comes sooner, and for how long at most, ms. */
  readonly late?: number;
  readonly lateBy?: number;
}

/**
 * A UDP port of 127.0.0.1 that leads to another one and loses and reorders datagrams on the way, both ways. What the kernel's netem
 * does, but where nobody has to be root and no kernel has to have it.
 */
export async function lossyProxy(context: TestContext, port: number, options: ProxyOptions) {
  const { seed, loss, late = 0, lateBy = 100 } = options;
  const random = seeded(seed);
  const front = createSocket("udp4");
  const backs = new Map<number, Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const counters = { carried: 0, lost: 0, late: 0 };
  context.after(() => {
    for (const timer of timers) clearTimeout(timer);
    for (const socket of [front, ...backs.values()]) socket.close();
  });

  function carry(bytes: Uint8Array, from: Socket, to: number): void {
    if (random.chance(loss)) {
      counters.lost++;
      return;
    }
    counters.carried++;
    // Where nobody listens any more it is lost, as datagrams are.
    const send = (): void => from.send(bytes, to, "127.0.0.1", () => {});
    if (!random.chance(late)) {
      send();
      return;
    }
    counters.late++;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        send();
      },
      random.between(1, lateBy),
    );
    timers.add(timer);
  }

  front.on("message", (bytes, from) => {
    let back = backs.get(from.port);
    if (back === undefined) {
      back = createSocket("udp4");
      back.on("message", (answer) => carry(answer, front, from.port));
      // A port that nobody listens on is reported here.
      back.on("error", () => {});
      backs.set(from.port, back);
    }
    carry(bytes, back, port);
  });
  front.bind(0, "127.0.0.1");
  await once(front, "listening");
  return { port: front.address().port, counters };
}
