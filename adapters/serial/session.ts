import type { LinkContext, Session } from "../../src/core/adapter.js";
import type { Command } from "../../src/core/command.js";
import { WeirError } from "../../src/core/errors.js";
import type { Scalar } from "../../src/core/reading.js";
import type { Profile, SerialCodec, SerialLine } from "../../src/profile/index.js";
import { createLine } from "./line.js";
import { startPolls } from "./polls.js";
import type { OpenPort, Port } from "./port.js";
import { createReader } from "./read.js";
import { createReceiver } from "./receive.js";

export interface SessionOptions {
  readonly device: string;
  readonly profile: Profile;
  readonly codec: SerialCodec;
  readonly path: string;
  readonly line: SerialLine;
  /** ms; undefined: never. */
  readonly idle: number | undefined;
  readonly openPort: OpenPort;
}

/** How long readings that were received before a close may wait to be taken, in ms. */
const DELIVERY_LIMIT = 2_000;

/** Opens the port of one device. Rejects with PORT_NOT_FOUND, PORT_FAILED, or CLOSED once the signal is aborted. */
export async function openSession(options: SessionOptions, context: LinkContext): Promise<Session> {
  const { device, profile, codec, path } = options;
  const { journal, sink, now, signal } = context;
  const ticks = () => performance.now();
  let port: Port | undefined;
  let ending: Promise<void> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let stopPolls = () => {};
  let settle: (error: WeirError | undefined) => void = () => {};
  const closed = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  // It may be lost before anybody listens; that must not end the process.
  closed.catch(() => {});

  const line = createLine(device, async (bytes) => port?.write(bytes));
  const reader = createReader(device, codec, line);
  const receiver = createReceiver({
    device,
    codec,
    sink,
    journal,
    now,
    ticks,
    pause: () => port?.pause(),
    resume: () => port?.resume(),
    heard: (what) => {
      line.heard(what);
      if (what.kind === "values") reader.heard(what.values);
    },
  });

  function end(why: WeirError | undefined): Promise<void> {
    ending ??= endOnce(why);
    return ending;
  }

  async function endOnce(why: WeirError | undefined): Promise<void> {
    signal.removeEventListener("abort", close);
    stopPolls();
    clearTimeout(idle);
    const offline = new WeirError("DEVICE_OFFLINE", `${device}: ${why?.message ?? `${path} was closed`}`);
    line.close(offline);
    reader.close(offline);
    await port?.close();
    await receiver.end(DELIVERY_LIMIT);
    settle(why);
  }

  function close(): Promise<void> {
    return end(undefined);
  }

  function watchIdle(limit: number): void {
    idle = setTimeout(() => {
      // Nothing was read because nothing could be: that says nothing about the device.
      if (receiver.full) return watchIdle(limit);
      void end(new WeirError("PORT_FAILED", `nothing was received from ${path} for ${limit / 1000} s`));
    }, limit);
  }

  const events = {
    data: (chunk: Uint8Array) => {
      // A timer that was cleared would come back to life.
      if (ending === undefined) idle?.refresh();
      receiver.push(chunk);
    },
    lost: (why: WeirError) => void end(why),
  };
  port = await options.openPort(path, options.line, events, signal);
  if (signal.aborted) {
    await port.close();
    throw new WeirError("CLOSED", `${path} was closed at once: the gateway gave up`);
  }
  // Lost before it was handed over: `closed` has rejected already, only the port is still to be freed.
  if (ending !== undefined) await port.close();
  else {
    signal.addEventListener("abort", close);
    if (options.idle !== undefined) watchIdle(options.idle);
    const ask = (poll: SerialCodec["polls"][number]) => line.ask(poll, () => Number.POSITIVE_INFINITY);
    stopPolls = startPolls({ device, polls: codec.polls, ask, full: () => receiver.full, journal, ticks });
  }

  async function execute(command: Command): Promise<Scalar | undefined> {
    if (ending !== undefined) throw new WeirError("DEVICE_OFFLINE", `${device}: ${path} is closed`);
    // From here on by a clock that nobody sets: a gateway that has just heard the time must not drop its commands.
    const start = ticks();
    const left = command.deadline - now();
    const remaining = () => left - (ticks() - start);
    if (left <= 0)
      throw new WeirError("COMMAND_EXPIRED", `the command ${command.action} ${command.resource} came too late`);
    const resource = profile.resources.get(command.resource);
    if (resource === undefined) {
      throw new WeirError("RESOURCE_UNKNOWN", `${device} has no resource ${command.resource}`);
    }
    if (command.action === "read") {
      if (!resource.access.includes("R")) {
        throw new WeirError("ACTION_UNSUPPORTED", `${command.resource} of ${device} cannot be read`);
      }
      return reader.read(command.resource, remaining);
    }
    const request = codec.encode(command.resource, command.action, command.value);
    const answer = await line.ask(request, remaining);
    return answer?.values.find((value) => value.resource === command.resource)?.value;
  }

  return { closed, execute, close };
}
