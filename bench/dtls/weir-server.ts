// `node weir-server.js PORT IDENTITY KEY [CERTIFICATE PRIVATE-KEY]`: CoAP by the libraries of Weir alone, which takes every request:
// over UDP there and over DTLS on the port above, as libcoap's server has it. The last two are files in PEM.
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { openEndpoint } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { openDtls, ownCertificate } from "../../src/protocols/dtls/index.js";

const [, , port, identity, key = "", certificate, privateKey] = argv;
const read = (file: string): string => readFileSync(file, "utf8");
const keys =
  certificate === undefined || privateKey === undefined ? [] : [ownCertificate(read(certificate), read(privateKey))];
const lookup = (named: string): Uint8Array | undefined => (named === identity ? Buffer.from(key) : undefined);
const handler = async () => ({ code: "2.04" }) as const;
const udp = (above: number) => openUdp({ host: "127.0.0.1", port: Number(port) + above });
openEndpoint(await udp(0), { handler });
openEndpoint(
  openDtls(
    {
      server: { psk: { lookup }, clientCertificate: "none" },
      keys,
      // All clients are one address and one identity here.
      limits: { halfOpenPerAddress: 1000, openPerIdentity: 20_000, open: 20_000, resumable: 20_000 },
    },
    await udp(1),
  ),
  { handler },
);
