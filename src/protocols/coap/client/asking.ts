import type { Peer } from "../../datagram/index.js";
import { CoapError } from "../errors.js";
import type { Effect } from "../outcome.js";
import type { CoapClient, IncomingResponse, ObservationListener, RequestLimits } from "./client.js";
import type { ClientEffect } from "./effects.js";
import type { Call, Delivery, Observed } from "./handles.js";
import type { ClientRole } from "./role.js";

/** What turns effects into datagrams and time. */
export interface Asking {
  readonly role: Pick<ClientRole, "request" | "ping" | "gather" | "abort" | "observe" | "cancel" | "taken" | "refused">;
  /** Does what is to be done, and sets the timer anew. */
  run(effects: readonly Effect[]): void;
  now(): number;
  /** Nothing can be asked any more. */
  closed(): boolean;
  /** A listener threw, where none may. */
  onFailure(failure: unknown): void;
}

/** The asking side of an endpoint with promises, and what takes the effects of its pure half. */
export interface AskingClient {
  readonly ask: CoapClient;
  take(effect: ClientEffect): void;
}

interface Waiting {
  resolve(response: IncomingResponse | undefined): void;
  reject(error: CoapError): void;
}

export function createClient({ role, run, now, closed, onFailure }: Asking): AskingClient {
  const waiting = new Map<Call, Waiting>();
  const listeners = new Map<Observed, ObservationListener>();
  /** What groups have answered so far. */
  const gathering = new Map<Call, { readonly response: IncomingResponse; readonly partial: boolean }[]>();
  const cancelling = new Map<Observed, () => void>();

  /** Resolves as what was begun is settled. */
  function settle(
    begin: () => { call: Call; effects: readonly Effect[] },
    signal: AbortSignal | undefined,
  ): Promise<IncomingResponse | undefined> {
    if (closed()) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(aborted());
    return new Promise((resolve, reject) => {
      const { call, effects } = begin();
      const abort = (): void => run(role.abort(call, aborted(), now()));
      signal?.addEventListener("abort", abort, { once: true });
      const done = (): void => signal?.removeEventListener("abort", abort);
      waiting.set(call, {
        resolve: (response) => {
          done();
          resolve(response);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      run(effects);
    });
  }

  async function deliver(delivery: Delivery, state: IncomingResponse, listener: ObservationListener): Promise<void> {
    try {
      await listener.next(state);
    } catch {
      // Not taken: whoever rejects has its reason, and gets the state again.
      run(role.refused(delivery, now()));
      return;
    }
    run(role.taken(delivery));
  }

  function end(observed: Observed, why: IncomingResponse | CoapError): void {
    const listener = listeners.get(observed);
    listeners.delete(observed);
    try {
      listener?.ended(why);
    } catch (failure) {
      onFailure(failure);
    }
  }

  const ask: CoapClient = {
    async request(peer, request, limits: RequestLimits = {}) {
      const response = await settle(() => role.request(peer, request, limits, now()), limits.signal);
      if (response === undefined) throw new CoapError("CLOSED", "no answer was given");
      return response;
    },
    async ping(peer, limits = {}) {
      await settle(() => role.ping(peer, limits, now()), limits.signal);
    },
    async gather(group, request, limits = {}) {
      const answers: { readonly response: IncomingResponse; readonly partial: boolean }[] = [];
      const begin = (): ReturnType<typeof role.gather> => {
        const begun = role.gather(group, request, limits, now());
        gathering.set(begun.call, answers);
        return begun;
      };
      await settle(begin, limits.signal);
      const { signal } = limits;
      const whole = answers.map(async ({ response, partial }) =>
        partial
          ? ask.request(response.peer, { ...request, method: "0.01" }, signal === undefined ? {} : { signal })
          : response,
      );
      const settled = await Promise.allSettled(whole);
      return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    },
    observe(peer, request, listener, { renewAfter } = {}) {
      const { observed, effects } = closed() ? refused(peer) : role.observe(peer, request, now(), renewAfter);
      listeners.set(observed, listener);
      run(effects);
      let cancelled: Promise<void> | undefined;
      return {
        cancel() {
          cancelled ??= new Promise((resolve) => {
            listeners.delete(observed);
            cancelling.set(observed, resolve);
            run(role.cancel(observed, now()));
          });
          return cancelled;
        },
      };
    },
  };

  return {
    ask,
    take(effect) {
      switch (effect.kind) {
        case "settled": {
          const { call, result } = effect;
          const who = waiting.get(call);
          waiting.delete(call);
          gathering.delete(call);
          if (result instanceof CoapError) who?.reject(result);
          else who?.resolve(result);
          return;
        }
        case "gathered":
          gathering.get(effect.call)?.push(effect);
          return;
        case "state": {
          const listener = listeners.get(effect.observed);
          if (listener !== undefined) deliver(effect.delivery, effect.state, listener).catch(onFailure);
          return;
        }
        case "over":
          // Not before who observes has what it observes in its hands: there may be no room for it in the first place.
          queueMicrotask(() => end(effect.observed, effect.why));
          return;
        case "cancelled":
          cancelling.get(effect.observed)?.();
          cancelling.delete(effect.observed);
      }
    },
  };
}

/** What is observed by who is closed. */
function refused(peer: Peer): { observed: Observed; effects: readonly Effect[] } {
  const observed = { peer };
  return { observed, effects: [{ kind: "over", observed, why: closedError() }] };
}

function closedError(): CoapError {
  return new CoapError("CLOSED", "this endpoint was closed");
}

function aborted(): CoapError {
  return new CoapError("ABORTED", "the caller gave it up");
}
