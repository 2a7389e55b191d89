import type { Scalar } from "../../core/reading.js";
import { contentFormatOf, formOf } from "../forms/formats.js";
import { writeAll, writeOne } from "../forms/write.js";
import { frameOf } from "../layout/layout.js";
import type { Profile } from "../profile.js";
import type { CoapReadSection } from "../schema/coap.js";
import { compileCoap } from "./codec.js";
import { type CoapAnswer, layoutOf, numberOf } from "./read.js";

/** What a device that is a CoAP server does. */
export interface CoapServerSimulation {
  /** What can be asked for, as paths: /sensors/climate. */
  readonly reads: readonly CoapPlace[];
  /** What its state is at a place now; undefined where there is none. */
  state(place: CoapPlace, now: number): CoapAnswer | undefined;
  /** Takes a command: `done`, or why not. */
  command(method: string, place: CoapPlace, payload: Uint8Array): "done" | "bad_request" | "method" | "not_found";
}

/** A path with its query. */
export interface CoapPlace {
  readonly path: readonly string[];
  readonly query: readonly string[];
}

/** The bytes that a read answers with, from the values of now. A layout writes them into the profile's sample. */
function writerOf(section: CoapReadSection, profile: Profile): (values: ReadonlyMap<string, Scalar>) => CoapAnswer {
  const sample = profile.samples.find(({ path, command }) => command === undefined && path?.text === section.path.text);
  const contentFormat = sample?.contentFormat ?? numberOf(section.contentFormat ?? section.accept);
  const layout = layoutOf(section, profile);
  if (layout !== undefined) {
    const frame = sample?.bytes ?? new Uint8Array(0);
    return (values) => ({ contentFormat, payload: writeWhatFits(layout, frame, values) });
  }
  const form = formOf(contentFormat) ?? (section.resource === undefined ? "json" : "text");
  const { resources } = profile;
  return (values) => {
    const value = section.resource === undefined ? undefined : values.get(section.resource);
    const said = new Map([...values].filter(([name]) => resources.get(name)?.access.includes("R")));
    const payload =
      section.resource === undefined || value === undefined
        ? writeAll(form, said, resources)
        : writeOne(form, section.resource, value, resources);
    return { contentFormat: contentFormatOf(form), payload };
  };
}

function keyOf({ path, query }: CoapPlace): string {
  return JSON.stringify([path, query]);
}

interface Writable {
  readonly resources: ReadonlySet<string>;
  write(frame: Uint8Array, values: ReadonlyMap<string, Scalar>): Uint8Array;
}

/** Where a value has no room, the sample's own stays. */
export function writeWhatFits(message: Writable, frame: Uint8Array, values: ReadonlyMap<string, Scalar>): Uint8Array {
  let written = frame;
  for (const [resource, value] of values) {
    if (!message.resources.has(resource)) continue;
    try {
      written = message.write(written, new Map([[resource, value]]));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return frameOf(written).bytes;
}

/** @param raw the generators' values; what commands wrote outlasts them, and is put into `written`. */
export function coapServerSimulation(
  profile: Profile,
  raw: (now: number) => ReadonlyMap<string, Scalar>,
  written: Map<string, Scalar>,
): CoapServerSimulation {
  const { reads, commands } = compileCoap(profile);
  const writers = new Map((profile.coap?.reads ?? []).map((read) => [keyOf(read.path), writerOf(read, profile)]));
  return {
    reads,
    state: (place, now) => writers.get(keyOf(place))?.(new Map([...raw(now), ...written])),
    command(method, place, payload) {
      const key = keyOf(place);
      const there = [...commands].filter(([, command]) => keyOf(command) === key);
      if (there.length === 0) return writers.has(key) ? "method" : "not_found";
      const meant = there.filter(([, command]) => command.method === method);
      if (meant.length === 0) return "method";
      for (const [name, command] of meant) {
        const understood = command.payload.understand(payload);
        if (understood === undefined) continue;
        if (understood.value !== undefined) written.set(name, understood.value);
        return "done";
      }
      return "bad_request";
    },
  };
}
