import {
  type CoapHandler,
  type CoapRequest,
  type CoapResponse,
  CONTENT_FORMAT,
  filterLinks,
  formatLinks,
  type Link,
  type Observer,
  uint,
  OPTION,
} from "../../src/protocols/coap/index.js";

/** A server of resources that can be read, written, removed and observed: what any CoAP client has to get on with. */
export interface CoapStore {
  readonly handler: CoapHandler;
  readonly resources: ReadonlyMap<string, Uint8Array>;
  /** Puts a state and tells the observers; resolves once it is known of all what became of it. */
  set(path: string, state: Uint8Array | string): Promise<void>;
  observers(path: string): number;
  /** All that was asked, in order. */
  readonly asked: readonly CoapRequest[];
}

export function createStore(): CoapStore {
  const resources = new Map<string, Uint8Array>();
  const observers = new Map<string, Set<Observer>>();
  const asked: CoapRequest[] = [];

  const text = uint(OPTION.contentFormat, CONTENT_FORMAT.text);
  const content = (path: string): CoapResponse => {
    const payload = resources.get(path);
    return payload === undefined ? { code: "4.04" } : { code: "2.05", options: [text], payload };
  };

  async function set(path: string, state: Uint8Array | string): Promise<void> {
    resources.set(path, Uint8Array.from(Buffer.from(state)));
    await Promise.all([...(observers.get(path) ?? [])].map((observer) => observer.notify(content(path))));
  }

  function observe(path: string): (observer: Observer) => () => void {
    return (observer) => {
      const all = observers.get(path) ?? new Set();
      observers.set(path, all.add(observer));
      return () => void all.delete(observer);
    };
  }

  function links(query: readonly string[]): CoapResponse {
    const all = [...resources.keys()].map((path): Link => ({ target: `/${path}`, ct: [0], obs: true }));
    const payload = formatLinks(filterLinks(all, query));
    return { code: "2.05", options: [uint(OPTION.contentFormat, CONTENT_FORMAT.linkFormat)], payload };
  }

  const handler: CoapHandler = async (request) => {
    asked.push(request);
    const path = request.path.join("/");
    if (path === ".well-known/core") return links(request.query);
    const there = resources.has(path);
    switch (request.method) {
      case "0.01":
        return there ? { ...content(path), observe: observe(path) } : content(path);
      case "0.05":
        return { code: "2.05", payload: request.payload };
      case "0.02":
      case "0.03":
        void set(path, request.payload);
        return { code: there ? "2.04" : "2.01" };
      case "0.04":
        resources.delete(path);
        return { code: "2.02" };
      default:
        return { code: "4.05" };
    }
  };

  return { handler, resources, set, observers: (path) => observers.get(path)?.size ?? 0, asked };
}
