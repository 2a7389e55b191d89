import type { z } from "zod";
import type { Command } from "./command.js";
import type { Journal } from "./journal.js";
import type { PubSub } from "./pubsub.js";
import type { ReadingSink, Scalar } from "./reading.js";

/** What an open link is given. It must not keep any of it after `closed`. */
export interface LinkContext {
  readonly sink: ReadingSink;
  /** Aborted when the gateway stops: `open` gives up, an open session closes. */
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /**
   * What readings are stamped with, and what deadlines of commands count by: ms since the Unix epoch. Until the gateway's clock
   * is set it is on a scale that the gateway puts right later, and when it is set, or set again, it jumps: spans are measured
   * with `performance.now`.
   */
  readonly now: () => number;
  /** The broker, for adapters whose devices publish and subscribe by themselves. Undefined where there is none (`weir read`). */
  readonly pubsub?: PubSub | undefined;
}

/** An open link: a serial port, a bus, a listening socket. */
export interface Session {
  /** Resolves when it was closed on purpose, rejects when it was lost: the supervisor opens it again. */
  readonly closed: Promise<void>;
  /** Runs one command. Rejects with a WeirError. Called one at a time for a device, concurrently across devices. */
  execute(command: Command): Promise<Scalar | undefined>;
  close(): Promise<void>;
}

/** Speaks one transport to the devices of one link. Constructing does no I/O; opening does. It does not reconnect itself. */
export interface Adapter {
  open(context: LinkContext): Promise<Session>;
}

/** A device as its adapter sees it. */
export interface AdapterDevice<Address, Profile> {
  readonly id: string;
  readonly address: Address;
  readonly profile: Profile | undefined;
}

/** What is opened, lost and opened again as one: all devices of one port, bus or socket. */
export interface Link {
  /** For logs and status: `serial:/dev/ttyUSB0`. */
  readonly name: string;
  readonly devices: readonly string[];
  readonly adapter: Adapter;
  /** True where an open link says that its devices are there (a serial line); false where only a reading does (a CoAP server). */
  readonly impliesOnline: boolean;
  /**
   * False where nobody is told what became of a reading (a serial line): until the gateway's clock is set the sink then
   * resolves at once, so that the line is not stopped for minutes. True if left out.
   */
  readonly acknowledges?: boolean;
}

/** One problem found without opening a port. `path` is below the device or the adapter's settings. */
export interface Problem {
  readonly device?: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** An error if left out. */
  readonly level?: "error" | "warning";
}

/** What `adapters/index.ts` lists. `Settings` are those of the transport, `Address` is where one device is on it. */
export interface AdapterModule<Profile, Settings = unknown, Address = unknown> {
  readonly name: string;
  /** Describes `adapters.<name>` in the configuration. Must accept `{}`. */
  readonly settings: z.ZodType<Settings>;
  /** Describes `devices[].address`. */
  readonly address: z.ZodType<Address>;
  /** The settings with the paths of their files made absolute. Left out: they name no files. */
  absolute?(settings: Settings, resolve: (path: string) => string): Settings;
  /** What the schemas cannot say: a profile without the adapter's section, two devices on one port. */
  check(settings: Settings, devices: readonly AdapterDevice<Address, Profile>[]): Problem[];
  /** Groups the devices into links. No I/O. */
  links(settings: Settings, devices: readonly AdapterDevice<Address, Profile>[]): Link[];
}

/** Forgets the settings' and address' types, so that modules fit in one list: the configuration's schema has checked both before. */
export function defineAdapter<Profile, Settings, Address>(
  module: AdapterModule<Profile, Settings, Address>,
): AdapterModule<Profile> {
  return {
    name: module.name,
    settings: module.settings,
    address: module.address,
    absolute: (settings, resolve) => module.absolute?.(settings as Settings, resolve) ?? settings,
    check: (settings, devices) => module.check(settings as Settings, devices as AdapterDevice<Address, Profile>[]),
    links: (settings, devices) => module.links(settings as Settings, devices as AdapterDevice<Address, Profile>[]),
  };
}
