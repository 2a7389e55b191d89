/** The public face of profiles: what a model of device says and how, as data. */

export { type CoapCodec, coapCodec, type EncodedCoapCommand, isAsked } from "./coap/codec.js";
export type { CoapAnswer, CoapRead, CoapValue } from "./coap/read.js";
export type { CoapPlace, CoapServerSimulation } from "./coap/simulation.js";
export type { EncodedCommand, Poll, SerialCodec, SerialLine } from "./codec.js";
export { serialCodec } from "./codec.js";
export { badPayload, type FormContext, FormError, type FormProblem, type FormValue, quoted } from "./forms/form.js";
export { contentFormatOf, type Form, formOf } from "./forms/formats.js";
export { readForm } from "./forms/read.js";
export { plainValue, type TypedValue, typedValue } from "./forms/typed.js";
export { writeAll, writeOne } from "./forms/write.js";
export { bundledFolder, listProfiles, loadProfile } from "./load.js";
export type { Decoded, DecodedValue } from "./message.js";
export { parseProfile, profileJsonSchema } from "./parse.js";
export { ProfileError, type ProfileProblem, showProblem } from "./problem.js";
export type { Access, Profile, Resource, ResourceType } from "./profile.js";
export { checkValue } from "./resource.js";
export { runSamples, type SampleResult } from "./samples.js";
export { type Simulation, simulation } from "./simulation.js";
