/** It comes without types. What is used of it, with promises where no callback is given. */
declare module "aedes-persistence-redis" {
  interface Client {
    readonly id: string;
  }
  interface Subscription {
    readonly topic: string;
    readonly qos: number;
  }
  interface Persistence {
    setup(broker: unknown): Promise<void>;
    storeRetained(packet: unknown): Promise<void>;
    createRetainedStream(pattern: string): AsyncIterable<unknown>;
    addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<unknown>;
    removeSubscriptions(client: Client, topics: readonly string[]): Promise<unknown>;
    subscriptionsByClient(client: Client): Promise<readonly unknown[]>;
    cleanSubscriptions(client: Client): Promise<unknown>;
  }
  export type { Persistence };
  export default function persistence(options: { readonly conn: unknown }): Persistence;
}
