/** CoAP over datagrams, the server side (RFC 7252, RFC 7959). Knows nothing of a gateway. */
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
export { CONTENT_FORMAT, OPTION, uint } from "./options.js";
export { type Effect, type Exchange, OUTCOMES, type Outcome, type Received } from "./outcome.js";
export type { CoapRequest, CoapResponse } from "./request.js";
export { DEFAULT_TIMING, type Timing } from "./retransmission.js";
export { type CoapHandler, type CoapService, type ServeOptions, serveCoap } from "./serve.js";
export { CoapServer, type ServerOptions, type ServerState } from "./server.js";
export { type CoapUri, formatCoapUri, type ParsedUri, parseCoapUri, type UriError } from "./uri.js";
