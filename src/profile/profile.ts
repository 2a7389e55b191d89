import type { CoapSection } from "./schema/coap.js";
import type { SampleSection } from "./schema/samples.js";
import type { SerialSection } from "./schema/serial.js";
import type { SimulateSection } from "./schema/simulate.js";

export type ResourceType = "number" | "integer" | "boolean" | "string" | "bytes";

/** R: the device says it. W: it can be written. RW: both. E: it can be executed. */
export type Access = "R" | "W" | "RW" | "E";

/** One named value of a device. */
export interface Resource {
  readonly type: ResourceType;
  /** The SenML name where there is one (RFC 8428 12.1). */
  readonly unit?: string;
  readonly access: Access;
  /** The smallest and the largest sound value. Beyond them a reading is uncertain and a write is refused. */
  readonly min?: number;
  readonly max?: number;
  readonly description?: string;
}

/** What a model of device says and how. Made by `loadProfile`; plain data, never changed after. */
export interface Profile {
  /** What a configuration calls it: `plantower/pms5003`. */
  readonly name: string;
  readonly vendor: string;
  readonly model: string;
  readonly description?: string;
  /** The public document it was written from. */
  readonly source?: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly serial?: SerialSection;
  readonly coap?: CoapSection;
  readonly samples: readonly SampleSection[];
  readonly simulate?: SimulateSection;
}
