import type { Address, DatagramTransport, Peer } from "../datagram/index.js";
import { createClient } from "./client/asking.js";
import type { CoapClient } from "./client/client.js";
import { CoapEndpoint, type EndpointOptions, type EndpointState } from "./endpoint.js";
import type { Effect, Exchange, Outcome } from "./outcome.js";
import type { CoapRequest, CoapResponse, NotifyOutcome, Observer } from "./request.js";
import type { Observation } from "./server/observations.js";

/** Answers one request. What it rejects with is answered 5.00, without saying why: it is no business of the sender. */
export type CoapHandler = (request: CoapRequest) => Promise<CoapResponse>;

export interface OpenOptions extends EndpointOptions {
  /** Without one every request is answered 4.04: there is nothing here. */
  readonly handler?: CoapHandler;
  /** Called for every datagram with what became of it. */
  readonly onOutcome?: (outcome: Outcome, peer: Peer) => void;
  /** The handler rejected, or its response cannot be sent. A fault of the program, not of the sender. */
  readonly onFailure?: (failure: unknown) => void;
  /** ms from any fixed start; must not jump, as clocks on the wall do. */
  readonly now?: () => number;
}

const NOTHING_HERE: CoapHandler = async () => ({ code: "4.04" });

export interface CoapService {
  /** Settles as that of the transport. */
  readonly closed: Promise<void>;
  /** Takes in nothing more, waits up to `grace` ms (1000 if left out) for the answers that are due, and closes the transport. */
  close(grace?: number): Promise<void>;
  readonly counters: Readonly<Record<Outcome, number>>;
  readonly state: EndpointState;
}

/** What all observers of an endpoint do alike. */
interface Observers {
  notify(observation: Observation, state: CoapResponse, confirmable: boolean | undefined): Promise<NotifyOutcome>;
  end(observation: Observation): void;
}

/** Of which there may be many thousands: no closures of their own. */
class EndpointObserver implements Observer {
  readonly #observation: Observation;
  readonly #observers: Observers;

  constructor(observation: Observation, observers: Observers) {
    this.#observation = observation;
    this.#observers = observers;
  }

  get peer(): Peer {
    return this.#observation.peer;
  }

  get partial(): boolean {
    return this.#observation.partial;
  }

  notify(state: CoapResponse, { confirmable }: { readonly confirmable?: boolean } = {}): Promise<NotifyOutcome> {
    return this.#observers.notify(this.#observation, state, confirmable);
  }

  end(): void {
    this.#observers.end(this.#observation);
  }
}

/** Who is to be asked. */
export interface CoapConnector {
  /** The peer at an address, as that of the transport. */
  connect(to: Address): Promise<Peer>;
}

/** CoAP over a transport: the pure endpoint of endpoint.ts with real datagrams, timers and promises. */
export function openEndpoint(
  transport: DatagramTransport,
  options: OpenOptions = {},
): CoapService & CoapClient & CoapConnector {
  const now = options.now ?? (() => performance.now());
  const endpoint = new CoapEndpoint({ epoch: Date.now() - now(), ...options });
  const handler = options.handler ?? NOTHING_HERE;
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  /** What the timer was set for. */
  let due = 0;
  let closing = false;
  let closed = false;
  const { ask, take } = createClient({
    role: endpoint.client,
    run: (effects) => {
      run(effects);
      hasten();
    },
    now,
    closed: () => closing,
    onFailure: (failure) => options.onFailure?.(failure),
  });

  transport.listen({
    datagram(bytes, peer, multicast) {
      if (closing) return;
      guard(() => {
        const { outcome, effects } = endpoint.receive(bytes, peer, multicast, now());
        options.onOutcome?.(outcome, peer);
        run(effects);
      });
    },
    gone(peer) {
      guard(() => run(endpoint.forget(peer, now())));
    },
  });

  /** Thrown out of a callback of a socket or a timer it would end the process: no peer may do that, whatever we overlooked. */
  function guard(act: () => void): boolean {
    try {
      act();
      return true;
    } catch (failure) {
      options.onFailure?.(failure);
      return false;
    }
  }

  function run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          transport.send(effect.bytes, effect.peer);
          break;
        case "request":
          start(effect.exchange, effect.request);
          break;
        case "observing":
          begin(effect.observation, effect.observe);
          break;
        case "notified":
          effect.settle(effect.outcome);
          break;
        case "ended":
          tell(effect.ended);
          break;
        case "deadline":
          hasten();
          break;
        default:
          take(effect);
      }
    }
    arm();
  }

  const observers: Observers = {
    notify: (observation, state, confirmable) =>
      new Promise((settle) => run(endpoint.notify(observation, { state, confirmable, settle }, now()))),
    end: (observation) => run(endpoint.endObservation(observation, now())),
  };

  /** Tells the handler of its observer, and keeps what it wants to be told in turn. */
  function begin(observation: Observation, observe: (observer: Observer) => () => void): void {
    if (closed) {
      run(endpoint.endObservation(observation, now()));
      return;
    }
    try {
      const onEnd = observe(new EndpointObserver(observation, observers));
      // It may have ended while it began.
      if (observation.ended) onEnd();
      else observation.onEnd = onEnd;
    } catch (failure) {
      options.onFailure?.(failure);
      run(endpoint.endObservation(observation, now()));
    }
  }

  function tell(ended: () => void): void {
    try {
      ended();
    } catch (failure) {
      options.onFailure?.(failure);
    }
  }

  function start(exchange: Exchange, request: CoapRequest): void {
    const answered = handle(request)
      .then((response) => run(endpoint.respond(exchange, response, now())))
      .catch((failure: unknown) => options.onFailure?.(failure))
      .finally(() => running.delete(answered));
    running.add(answered);
  }

  async function handle(request: CoapRequest): Promise<CoapResponse> {
    try {
      return await handler(request);
    } catch (failure) {
      options.onFailure?.(failure);
      return { code: "5.00" };
    }
  }

  /**
   * One timer for all. It is left to run out although what it was set for was answered meanwhile, which most requests are,
   * and is never set for longer than it takes until something new may want it. `least`: ms, if something is due.
   */
  function arm(least = 1): void {
    if (timer !== undefined || closed) return;
    const deadline = endpoint.deadline;
    if (deadline === undefined) return;
    const at = now();
    const wait = Math.max(least, Math.min(Math.ceil(deadline - at), endpoint.shortestWait));
    due = at + wait;
    timer = setTimeout(() => {
      timer = undefined;
      // What fails must not keep the rest from being done, nor fail a thousand times a second.
      if (!guard(() => run(endpoint.tick(now())))) arm(endpoint.shortestWait);
    }, wait);
  }

  /** Who asks may have less time than `arm` counts on, and so may what says so. */
  function hasten(): void {
    const deadline = endpoint.deadline;
    if (timer === undefined || deadline === undefined || deadline >= due) return;
    clearTimeout(timer);
    timer = undefined;
    arm();
  }

  transport.closed.then(stop, stop);
  function stop(): void {
    closing = true;
    closed = true;
    clearTimeout(timer);
    guard(() => run(endpoint.close(now())));
  }

  return {
    ...ask,
    connect: (to) => transport.connect(to),
    closed: transport.closed,
    async close(grace = 1000) {
      closing = true;
      run(endpoint.closeClient(now()));
      let patience: NodeJS.Timeout | undefined;
      await Promise.race([
        Promise.allSettled(running),
        new Promise((resolve) => {
          patience = setTimeout(resolve, grace);
        }),
      ]);
      clearTimeout(patience);
      await transport.close();
    },
    counters: endpoint.counters,
    get state() {
      return endpoint.state;
    },
  };
}
