import type { Scalar } from "../../core/reading.js";
import { type Command, compileCommand } from "../command.js";
import type { FormValue } from "../forms/form.js";
import { contentFormatOf, type Form } from "../forms/formats.js";
import { readForm } from "../forms/read.js";
import { typedValue } from "../forms/typed.js";
import { writeOne } from "../forms/write.js";
import type { Profile, Resource } from "../profile.js";
import { checkValue } from "../resource.js";
import type { CoapCommandSection, CoapPath } from "../schema/coap.js";

/** One command to a CoAP device, ready to be encoded, and to be understood by a simulated one. */
export interface CoapCommand extends CoapPath {
  readonly method: "put" | "post";
  /** Undefined where there may be no payload to have one. */
  readonly contentFormat: number | undefined;
  readonly payload: Command;
}

const NOTHING = new Uint8Array(0);

/** The value alone, in one of the usual forms. An execute may have no argument: then there is no payload. */
function formCommand(form: Form, name: string, resource: Resource, profile: Profile): Command {
  return {
    carriesValue: true,
    encode(value: Scalar | undefined) {
      if (value !== undefined) return writeOne(form, name, value, profile.resources);
      if (resource.access !== "E") throw new RangeError("needs a value");
      return NOTHING;
    },
    understand(request) {
      if (request.length === 0) return resource.access === "E" ? { value: undefined } : undefined;
      const value = understood(form, name, resource, request);
      return value === undefined ? undefined : { value };
    },
  };
}

/** What a payload says of the resource, if it is one of that form and fits. */
function understood(form: Form, name: string, resource: Resource, request: Uint8Array): Scalar | undefined {
  const limits = { maxBytes: request.length, maxValues: 1 };
  const context = { resource: name, nameOf: () => name, now: 0, ...limits };
  // What is written or executed is a value like one that is read.
  const asRead: Resource = { ...resource, access: "RW" };
  try {
    const [given]: readonly (FormValue | undefined)[] = readForm(contentFormatOf(form), request, context);
    const value = given && typedValue(asRead, given).value;
    return value !== undefined && checkValue(asRead, value) === undefined ? value : undefined;
  } catch {
    return undefined; // the answer of this function, not a failure
  }
}

export function compileCoapCommand(
  section: CoapCommandSection,
  name: string,
  resource: Resource,
  profile: Profile,
): CoapCommand {
  const { path, method, format, contentFormat, request, value, isText } = section;
  const payload =
    request === undefined
      ? formCommand(format, name, resource, profile)
      : compileCommand({ request, value, isText }, resource, (bytes) => bytes, format === "json");
  return {
    ...path,
    method: method ?? (resource.access === "E" ? "post" : "put"),
    contentFormat: contentFormat ?? contentFormatOf(format),
    payload,
  };
}
