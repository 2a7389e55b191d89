/** CoAP over datagrams, both sides of it (RFC 7252, RFC 7641, RFC 7959). Knows nothing of a gateway. */
export type {
  CoapClient,
  GroupLimits,
  IncomingResponse,
  Observation,
  ObservationListener,
  ObserveLimits,
  OutgoingRequest,
  RequestLimits,
} from "./client/client.js";
export { CoapEndpoint, type EndpointOptions, type EndpointState } from "./endpoint.js";
export { CoapError, type CoapErrorCode } from "./errors.js";
export { ALL_COAP_NODES } from "./groups.js";
export { filterLinks } from "./link/filter.js";
export {
  formatLinks,
  type Link,
  type LinkAttribute,
  type LinkError,
  type ParsedLinks,
  parseLinks,
} from "./link/links.js";
export type { Code, Message, MessageType, Option, Parsed } from "./message.js";
export { encodeMessage, parseMessage } from "./message.js";
export { type CoapConnector, type CoapHandler, type CoapService, type OpenOptions, openEndpoint } from "./open.js";
export { CONTENT_FORMAT, OPTION, uint } from "./options.js";
export { type Effect, type Exchange, OUTCOMES, type Outcome, type Received } from "./outcome.js";
export type { CoapRequest, CoapResponse, NotifyOutcome, Observer } from "./request.js";
export { DEFAULT_TIMING, type Timing } from "./transmissions.js";
export { type CoapUri, formatCoapUri, type ParsedUri, parseCoapUri, type UriError } from "./uri.js";
