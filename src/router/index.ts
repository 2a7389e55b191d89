export { type Availability, type AvailabilityOptions, createAvailability, gatewayMessage } from "./availability.js";
export { createDispatcher, type Dispatcher, type DispatcherOptions } from "./dispatcher.js";
export { createDownlink, type Downlink, type DownlinkOptions } from "./downlink.js";
export type { DevicePolicy, Format, Report, ResourcePolicy } from "./policy.js";
export { resourceProblem } from "./resource.js";
export { createRouter, type Router, type RouterOptions } from "./router.js";
export type { SetTimer } from "./timer.js";
export type { ResourceType } from "./value.js";
