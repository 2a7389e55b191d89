import type { CoapHandler } from "../../../src/protocols/coap/index.js";
import { OWN } from "./check.js";
import { type PubSubContext, PubSubGateway } from "./gateway.js";

/** `maxPayload`: the largest body of a request. */
export type OpenGatewayOptions = Omit<PubSubContext, "ticks">;

export interface OpenGateway {
  /** Requests to the gateway are its own; all others are as they were. */
  readonly handler: CoapHandler;
  close(): void;
}

/** ms. */
const SWEEP = 1_000;

/** The gateway in front of another handler, with a timer for what depends on time. */
export function openGateway(options: OpenGatewayOptions, others: CoapHandler): OpenGateway {
  const { settings } = options;
  const maxPayload = settings.maxPayload ?? options.maxPayload;
  const gateway = new PubSubGateway({ ...options, maxPayload, ticks: () => performance.now() });
  const sweeping = setInterval(() => gateway.sweep(), Math.min(SWEEP, settings.heartbeat / 2));
  sweeping.unref();
  return {
    handler: (request) => (OWN.has(request.path[0] ?? "") ? gateway.answer(request) : others(request)),
    close: () => {
      clearInterval(sweeping);
      gateway.close();
    },
  };
}
