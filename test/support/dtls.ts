import type { TestContext } from "node:test";
import { type DatagramTransport, openUdp, type Peer } from "../../src/protocols/datagram/index.js";
import { type DtlsOptions, type DtlsTransport, openDtls } from "../../src/protocols/dtls/index.js";

export const IDENTITY = "press-7";
export const KEY = "00112233445566778899aabbccddeeff";
export const key = (text = KEY): Buffer => Buffer.from(text, "hex");

/** A server that knows one identity. */
export const PSK: DtlsOptions = {
  server: { psk: { lookup: (identity) => (identity === IDENTITY ? key() : undefined) } },
};

/** DTLS on a port of 127.0.0.1, closed with the test; what came in, from whom, and who is gone. */
export interface Ours {
  readonly transport: DtlsTransport;
  readonly port: number;
  readonly heard: { readonly bytes: Buffer; readonly peer: Peer }[];
  readonly gone: { readonly peer: Peer; readonly reason: string }[];
  /** All that was heard, as text. */
  readonly text: string;
}

/** `answer`: to each datagram. */
export async function startDtls(
  t: TestContext,
  options: DtlsOptions,
  answer: (bytes: Buffer) => Uint8Array | undefined = () => undefined,
  under?: DatagramTransport,
): Promise<Ours> {
  const transport = openDtls(options, under ?? (await openUdp({ host: "127.0.0.1", port: 0 })));
  const heard: { readonly bytes: Buffer; readonly peer: Peer }[] = [];
  const gone: { readonly peer: Peer; readonly reason: string }[] = [];
  transport.listen({
    datagram: (bytes, peer) => {
      heard.push({ bytes: Buffer.from(bytes), peer });
      const reply = answer(Buffer.from(bytes));
      if (reply !== undefined) transport.send(reply, peer);
    },
    gone: (peer, reason) => gone.push({ peer, reason }),
  });
  t.after(() => transport.close());
  return {
    transport,
    port: transport.local.port,
    heard,
    gone,
    get text() {
      return heard.map(({ bytes }) => bytes.toString()).join("");
    },
  };
}
